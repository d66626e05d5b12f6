package main

import (
	"net/http"
	"strings"
)

// requestInfo is what rules look at.
type requestInfo struct {
	method      string
	verb        string // as the API server's audit log says it: get, list, watch, create, ...
	path        string
	target      string // path and query
	resource    string
	subresource string
	userAgent   string
}

// concerns: "pods" means its subresources, too; "pods/status" that one alone.
func (r *requestInfo) concerns(resource string) bool {
	name, subresource, one := strings.Cut(resource, "/")
	return r.resource != "" && name == r.resource && (!one || subresource == r.subresource)
}

func isWatchQuery(values []string) bool {
	return len(values) > 0 && values[0] != "0" && values[0] != "false"
}

// classify reads a request as the API server does.
func classify(r *http.Request) *requestInfo {
	info := &requestInfo{method: r.Method, path: r.URL.Path, target: r.URL.RequestURI(), userAgent: r.UserAgent()}
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	named := false
	switch {
	case parts[0] == "api" && len(parts) >= 3:
		parts = parts[2:]
	case parts[0] == "apis" && len(parts) >= 4:
		parts = parts[3:]
	default:
		parts = nil
	}
	// A Namespace itself is /namespaces/NAME; with more behind it that is where the object lies.
	if len(parts) >= 3 && parts[0] == "namespaces" && parts[2] != "status" && parts[2] != "finalize" {
		parts = parts[2:]
	}
	if len(parts) > 0 {
		info.resource = parts[0]
		named = len(parts) > 1
	}
	if len(parts) > 2 {
		info.subresource = strings.Join(parts[2:], "/")
	}
	info.verb = verbOf(r, info.resource != "" && !named)
	return info
}

func verbOf(r *http.Request, collection bool) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		if isWatchQuery(r.URL.Query()["watch"]) {
			return "watch"
		}
		if collection {
			return "list"
		}
		return "get"
	case http.MethodPost:
		return "create"
	case http.MethodPut:
		return "update"
	case http.MethodPatch:
		return "patch"
	case http.MethodDelete:
		if collection {
			return "deletecollection"
		}
		return "delete"
	}
	return strings.ToLower(r.Method)
}
