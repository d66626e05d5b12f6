package main

import "strings"

// expand replaces $(NAME) by what lookup knows; $$ is a dollar sign; unknown names and unclosed references stay as
// they are. These are the rules of the API's field documentation of `env.value`, `command` and `args`.
func expand(text string, lookup func(name string) (string, bool)) string {
	var result strings.Builder
	for {
		dollar := strings.IndexByte(text, '$')
		if dollar < 0 || dollar+1 == len(text) {
			return result.String() + text
		}
		result.WriteString(text[:dollar])
		text = text[dollar+1:]
		switch text[0] {
		case '$':
			result.WriteByte('$')
			text = text[1:]
		case '(':
			end := strings.IndexByte(text, ')')
			if end < 0 {
				return result.String() + "$" + text
			}
			if value, found := lookup(text[1:end]); found {
				result.WriteString(value)
			} else {
				result.WriteString("$" + text[:end+1])
			}
			text = text[end+1:]
		default:
			result.WriteByte('$')
		}
	}
}
