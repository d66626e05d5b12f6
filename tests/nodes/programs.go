package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// ownCommand stands for "run the command of the container itself, on this machine".
const ownCommand = "command"

// program is what runs in place of an image.
type program struct {
	pattern *regexp.Regexp
	tagged  bool
	command []string
}

type programTable []program

// parsePrograms reads "pattern=program arguments…" rows. In a pattern, * stands for anything, / included. A pattern
// without a colon is compared with the image's name without tag and digest, one with a colon with the whole name.
func parsePrograms(rows []string) (programTable, error) {
	var table programTable
	for _, row := range rows {
		pattern, command, found := strings.Cut(row, "=")
		words := strings.Fields(command)
		if !found || pattern == "" || len(words) == 0 {
			return nil, fmt.Errorf("--programs %q is not IMAGE_PATTERN=PROGRAM", row)
		}
		if words[0] != ownCommand {
			path, err := exec.LookPath(words[0])
			if err != nil {
				return nil, fmt.Errorf("--programs %s: %w", pattern, err)
			}
			if words[0], err = filepath.Abs(path); err != nil {
				return nil, err
			}
		}
		expression := strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*")
		table = append(table, program{
			pattern: regexp.MustCompile("^(?:" + expression + ")$"),
			tagged:  strings.Contains(pattern, ":"),
			command: words,
		})
	}
	return table, nil
}

// find returns the command for an image, nil where no pattern matches.
func (table programTable) find(image string) []string {
	name := imageName(image)
	for _, row := range table {
		subject := name
		if row.tagged {
			subject = image
		}
		if row.pattern.MatchString(subject) {
			return row.command
		}
	}
	return nil
}

// imageName is an image's name without tag and digest.
func imageName(image string) string {
	image, _, _ = strings.Cut(image, "@")
	if colon := strings.LastIndexByte(image, ':'); colon > strings.LastIndexByte(image, '/') {
		return image[:colon]
	}
	return image
}

// imageTag is an image's tag, "" where there is none.
func imageTag(image string) string {
	image, _, _ = strings.Cut(image, "@")
	if colon := strings.LastIndexByte(image, ':'); colon > strings.LastIndexByte(image, '/') {
		return image[colon+1:]
	}
	return ""
}

// isProduct tells a simulated product by the last part of its image's name.
func isProduct(image string) bool {
	name := imageName(image)
	switch name[strings.LastIndexByte(name, '/')+1:] {
	case "proget", "buildmaster", "otter":
		return true
	}
	return false
}

// isSidecar tells the project's sidecar by the last part of its image's name.
func isSidecar(image string) bool {
	name := imageName(image)
	return name[strings.LastIndexByte(name, '/')+1:] == "proget-sidecar"
}
