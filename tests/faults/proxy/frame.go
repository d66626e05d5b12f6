package main

import (
	"bytes"
	"encoding/json"
	"strings"
)

// frameLook is what of a watch frame faults need to know.
type frameLook struct {
	kind        string // ADDED, ...; empty where it is no event
	initialEnds bool
}

const initialEventsEnd = "k8s.io/initial-events-end"

func lookAtFrame(frame []byte) frameLook {
	var event struct {
		Type string `json:"type"`
	}
	if json.Unmarshal(frame, &event) != nil {
		return frameLook{}
	}
	look := frameLook{kind: event.Type}
	if event.Type == "BOOKMARK" {
		var bookmark struct {
			Object struct {
				Metadata struct {
					Annotations map[string]string `json:"annotations"`
				} `json:"metadata"`
			} `json:"object"`
		}
		isBookmark := json.Unmarshal(frame, &bookmark) == nil
		look.initialEnds = isBookmark && bookmark.Object.Metadata.Annotations[initialEventsEnd] == "true"
	}
	return look
}

// editJSON decodes, lets edit change what it finds, and encodes again, numbers untouched. What is no JSON stays as it is.
func editJSON(text []byte, edit func(map[string]any) bool) []byte {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var top map[string]any
	if decoder.Decode(&top) != nil || !edit(top) {
		return text
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	var shown any = top
	if object, isEvent := top["object"]; isEvent && len(top) == 2 && top["type"] != nil {
		shown = orderedEvent{top["type"], object}
	}
	if encoder.Encode(shown) != nil {
		return text
	}
	return out.Bytes()
}

// orderedEvent has its members in the API server's order.
type orderedEvent struct {
	Type   any `json:"type"`
	Object any `json:"object"`
}

// dropInitialEventsEnd takes the annotation from a bookmark.
func dropInitialEventsEnd(frame []byte) []byte {
	return editJSON(frame, func(top map[string]any) bool {
		object, _ := top["object"].(map[string]any)
		metadata, _ := object["metadata"].(map[string]any)
		annotations, _ := metadata["annotations"].(map[string]any)
		_, found := annotations[initialEventsEnd]
		delete(annotations, initialEventsEnd)
		if len(annotations) == 0 {
			delete(metadata, "annotations")
		}
		return found
	})
}

// removePath takes what a path means out of a value; it says whether there was something.
func removePath(value any, path []globPattern) bool {
	removed := false
	switch typed := value.(type) {
	case map[string]any:
		for key, inner := range typed {
			switch {
			case !path[0].MatchString(key):
			case len(path) == 1:
				delete(typed, key)
				removed = true
			default:
				removed = removePath(inner, path[1:]) || removed
			}
		}
	case []any:
		if len(path) > 1 && path[0].MatchString("*") {
			for _, inner := range typed {
				removed = removePath(inner, path[1:]) || removed
			}
		}
	}
	return removed
}

// stripObject takes the paths out of an object, or of every object of a list. A Status is no object.
func stripObject(object map[string]any, paths [][]globPattern) bool {
	if object["kind"] == "Status" && object["apiVersion"] == "v1" {
		return false
	}
	removed := false
	targets := []any{object}
	if items, isList := object["items"].([]any); isList {
		targets = items
	}
	for _, target := range targets {
		for _, path := range paths {
			removed = removePath(target, path) || removed
		}
	}
	return removed
}

func stripFrame(frame []byte, paths [][]globPattern) []byte {
	return editJSON(frame, func(top map[string]any) bool {
		object, found := top["object"].(map[string]any)
		return found && stripObject(object, paths)
	})
}

func stripAnswer(body []byte, paths [][]globPattern) []byte {
	return editJSON(body, func(top map[string]any) bool { return stripObject(top, paths) })
}

// errorEvent is the frame with which the API server reports an error within a watch.
func errorEvent(f *faultSpec) []byte {
	code, message := f.Code, f.Message
	if code == 0 {
		code = 410
	}
	if code == 410 && message == "" {
		message = "too old resource version: 1 (2)"
	}
	text, err := json.Marshal(orderedEvent{"ERROR", failure(code, f.Reason, message)})
	if err != nil {
		panic(err) // strings and a number
	}
	return append(text, '\n')
}

// paddingAnnotation makes a frame as large as wished.
const paddingAnnotation = "faults.test/padding"

// reshape makes a frame of the last real one: with another type and, where size is set, padded to that many bytes.
// Without one, the object is a ConfigMap that nobody asked for.
func reshape(last []byte, kind string, size int64) []byte {
	if last == nil {
		last = []byte(`{"type":"ADDED","object":{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"fault-proxy",` +
			`"namespace":"default","uid":"00000000-0000-4000-8000-000000000000","resourceVersion":"1"}}}`)
	}
	build := func(padding string) []byte {
		return editJSON(last, func(top map[string]any) bool {
			top["type"] = kind
			object, _ := top["object"].(map[string]any)
			metadata, _ := object["metadata"].(map[string]any)
			if size == 0 || metadata == nil {
				return true
			}
			annotations, _ := metadata["annotations"].(map[string]any)
			if annotations == nil {
				annotations = map[string]any{}
				metadata["annotations"] = annotations
			}
			annotations[paddingAnnotation] = padding
			return true
		})
	}
	made := build("")
	if missing := size - int64(len(made)); missing > 0 {
		made = build(strings.Repeat("x", int(missing)))
	}
	return made
}

// injectedFrame makes what an `inject` fault says.
func injectedFrame(f *firing, last []byte) []byte {
	switch f.fault.Frame {
	case "huge":
		return reshape(last, "MODIFIED", f.fault.SizeBytes.draw(f.random))
	case "garbage":
		return []byte("}{ <<< \x00\x01\xff no JSON\n")
	case "not-event":
		return []byte(`{"this":["is","no"],"watch":{"event":true}}` + "\n")
	case "unknown-type":
		return reshape(last, "SYNCED", 0)
	case "blank":
		return []byte("\n")
	}
	return []byte(*f.fault.Text + "\n")
}
