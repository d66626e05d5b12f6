package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
)

// statusObject is what the API server's errors are made of.
type statusObject struct {
	Kind       string         `json:"kind"`
	APIVersion string         `json:"apiVersion"`
	Metadata   struct{}       `json:"metadata"`
	Status     string         `json:"status"`
	Message    string         `json:"message,omitempty"`
	Reason     string         `json:"reason,omitempty"`
	Details    map[string]any `json:"details,omitempty"`
	Code       int            `json:"code"`
}

func failure(code int, reason, message string) statusObject {
	if reason == "" {
		reason = usualReasons[code]
	}
	if message == "" {
		message = "fault-proxy: " + http.StatusText(code)
	}
	return statusObject{Kind: "Status", APIVersion: "v1", Status: "Failure", Message: message, Reason: reason, Code: code}
}

var usualReasons = map[int]string{
	400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 405: "MethodNotAllowed", 409: "Conflict",
	410: "Expired", 413: "RequestEntityTooLarge", 422: "Invalid", 429: "TooManyRequests", 500: "InternalError",
	503: "ServiceUnavailable", 504: "Timeout",
}

type presetAnswer struct {
	code    int
	reason  string
	message string
	details map[string]any
	headers map[string]string
	body    string
}

const watchListForbidden = "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch unless the WatchList " +
	"feature gate is enabled"

var statusPresets = map[string]presetAnswer{
	"401": {code: 401, message: "Unauthorized"},
	"403": {code: 403, message: "access is denied by a test's rule"},
	"404": {code: 404, message: "the server could not find the requested resource"},
	"410": {code: 410, reason: "Expired", message: "too old resource version: 1 (2)"},
	"422-watch-list": {code: 422, message: `ListOptions.meta.k8s.io "" is invalid: ` + watchListForbidden,
		details: map[string]any{"group": "meta.k8s.io", "kind": "ListOptions", "causes": []map[string]string{
			{"reason": "FieldValueForbidden", "message": "Forbidden: sendInitialEvents is forbidden for watch unless the " +
				"WatchList feature gate is enabled", "field": "sendInitialEvents"}}}},
	"429": {code: 429, message: "Too many requests, please try again later."},
	"429-retry": {code: 429, message: "Too many requests, please try again later.",
		details: map[string]any{"retryAfterSeconds": 1}, headers: map[string]string{"Retry-After": "1"}},
	"500-html": {code: 500, headers: map[string]string{"Content-Type": "text/html; charset=utf-8"},
		body: "<!DOCTYPE html>\n<html><head><title>500</title></head><body><h1>Internal Server Error</h1></body></html>\n"},
	"503-close": {code: 503, message: "the server is shutting down",
		headers: map[string]string{"Retry-After": "1", "Connection": "close"}},
}

// madeAnswer is a response that comes from no upstream.
func madeAnswer(code int, contentType string, body []byte) *http.Response {
	return &http.Response{StatusCode: code, Header: http.Header{"Content-Type": {contentType}},
		Body: io.NopCloser(bytes.NewReader(body))}
}

func objectAnswer(code int, object any) *http.Response {
	text, err := json.Marshal(object)
	if err != nil {
		return madeAnswer(http.StatusInternalServerError, "text/plain", []byte(err.Error()+"\n"))
	}
	return madeAnswer(code, "application/json", append(text, '\n'))
}

// answer makes what a `status` fault says.
func (f *faultSpec) answer() *http.Response {
	chosen := presetAnswer{code: f.Code, reason: f.Reason, message: f.Message}
	if f.Preset != "" {
		chosen = statusPresets[f.Preset]
	}
	var made *http.Response
	switch {
	case f.Body != nil:
		made = madeAnswer(chosen.code, "text/plain; charset=utf-8", []byte(*f.Body))
	case chosen.body != "":
		made = madeAnswer(chosen.code, "text/plain; charset=utf-8", []byte(chosen.body))
	default:
		object := failure(chosen.code, chosen.reason, chosen.message)
		object.Details = chosen.details
		made = objectAnswer(chosen.code, object)
	}
	for _, headers := range []map[string]string{chosen.headers, f.Headers} {
		for name, value := range headers {
			made.Header.Set(name, value)
		}
	}
	return made
}
