package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
)

const controlBodyMax = 64 << 20

// listenControl serves rules, actions and counts on the unix socket.
func listenControl(p *proxy, socket string) (*http.Server, error) {
	if other, err := net.Dial("unix", socket); err == nil {
		return nil, errors.Join(fmt.Errorf("%s is another fault-proxy's socket", socket), other.Close())
	}
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return nil, err
	}
	routes := http.NewServeMux()
	routes.HandleFunc("POST /rules", p.controlAdd)
	routes.HandleFunc("GET /rules", func(w http.ResponseWriter, _ *http.Request) { tell(w, 200, p.rules.report()) })
	routes.HandleFunc("DELETE /rules", func(w http.ResponseWriter, _ *http.Request) { tellNumber(w, "removed", p.rules.remove("")) })
	routes.HandleFunc("DELETE /rules/{id}", p.controlRemove)
	routes.HandleFunc("POST /actions", p.controlAct)
	routes.HandleFunc("GET /streams", func(w http.ResponseWriter, _ *http.Request) { tell(w, 200, p.streams.report()) })
	routes.HandleFunc("GET /counts", func(w http.ResponseWriter, _ *http.Request) { tell(w, 200, p.report()) })
	routes.HandleFunc("DELETE /counts", func(w http.ResponseWriter, _ *http.Request) {
		p.counts.reset()
		tell(w, 200, struct{}{})
	})
	routes.HandleFunc("GET /writes", func(w http.ResponseWriter, _ *http.Request) { tell(w, 200, p.writes.report()) })
	routes.HandleFunc("DELETE /writes", func(w http.ResponseWriter, _ *http.Request) {
		p.writes.clear()
		tell(w, 200, struct{}{})
	})
	server := &http.Server{Handler: routes}
	go func() { _ = server.Serve(listener) }()
	return server, nil
}

func tell(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value)
}

func tellNumber(w http.ResponseWriter, name string, number int) {
	tell(w, 200, map[string]int{name: number})
}

func tellError(w http.ResponseWriter, status int, err error) {
	tell(w, status, map[string]string{"error": err.Error()})
}

func (p *proxy) controlAdd(w http.ResponseWriter, r *http.Request) {
	source, err := io.ReadAll(io.LimitReader(r.Body, controlBodyMax))
	var id string
	if err == nil {
		id, err = p.rules.add(source)
	}
	if err != nil {
		tellError(w, http.StatusBadRequest, err)
		return
	}
	tell(w, http.StatusCreated, map[string]string{"id": id})
}

func (p *proxy) controlRemove(w http.ResponseWriter, r *http.Request) {
	removed := p.rules.remove(r.PathValue("id"))
	if removed == 0 {
		tellError(w, http.StatusNotFound, fmt.Errorf("no rule %q", r.PathValue("id")))
		return
	}
	tellNumber(w, "removed", removed)
}

func (p *proxy) controlAct(w http.ResponseWriter, r *http.Request) {
	source, err := io.ReadAll(io.LimitReader(r.Body, controlBodyMax))
	var wanted action
	affected := 0
	if err == nil {
		err = decodeStrictly(source, &wanted)
	}
	if err == nil {
		affected, err = p.act(&wanted)
	}
	if err != nil {
		tellError(w, http.StatusBadRequest, err)
		return
	}
	tellNumber(w, "affected", affected)
}

const controlHelp = `commands:
  add JSON                   a rule; prints its id (README.md has the members)
  delete ID, clear           one rule, or all, are over
  rules                      every rule, and how often it fired
  counts, reset-counts       what was injected and requested, connections
  streams                    answers under way
  writes, clear-writes       what the fault "shadow" recorded
  act NAME [KEY=VALUE]...    cut, goaway, stall, release, certificate, handshakes, listener, calm
  act JSON                   any action, apply as well
`

// controlCall is one command as a request.
func controlCall(command string, rest []string) (method, path, body string, err error) {
	plain := map[string][2]string{
		"clear": {"DELETE", "/rules"}, "rules": {"GET", "/rules"}, "counts": {"GET", "/counts"},
		"reset-counts": {"DELETE", "/counts"}, "streams": {"GET", "/streams"}, "writes": {"GET", "/writes"},
		"clear-writes": {"DELETE", "/writes"},
	}
	if call, found := plain[command]; found && len(rest) == 0 {
		return call[0], call[1], "", nil
	}
	switch {
	case command == "add" && len(rest) == 1:
		return "POST", "/rules", rest[0], nil
	case command == "delete" && len(rest) == 1 && rest[0] != "":
		return "DELETE", "/rules/" + rest[0], "", nil
	case command == "act" && len(rest) == 1 && strings.HasPrefix(strings.TrimSpace(rest[0]), "{"):
		return "POST", "/actions", rest[0], nil
	case command == "act" && len(rest) >= 1:
		body, err := actionOf(rest[0], rest[1:])
		return "POST", "/actions", body, err
	}
	return "", "", "", fmt.Errorf("unknown command or wrong number of arguments; %s", controlHelp)
}

// actionOf makes JSON of NAME KEY=VALUE...; what is a number or a truth value is taken as one.
func actionOf(name string, pairs []string) (string, error) {
	object := map[string]any{"action": name}
	for _, pair := range pairs {
		key, value, found := strings.Cut(pair, "=")
		if !found {
			return "", fmt.Errorf("%q is not KEY=VALUE", pair)
		}
		var parsed any
		if json.Unmarshal([]byte(value), &parsed) != nil {
			parsed = value
		}
		object[key] = parsed
	}
	text, err := json.Marshal(object)
	return string(text), err
}

// runControlClient is `fault-proxy ctl`: one command, its answer on stdout.
func runControlClient(arguments []string) int {
	socket := os.Getenv("FAULTS_CONTROL")
	if len(arguments) >= 2 && arguments[0] == "--control" {
		socket, arguments = arguments[1], arguments[2:]
	}
	if len(arguments) == 0 || arguments[0] == "help" || arguments[0] == "--help" {
		fmt.Print("usage: fault-proxy ctl [--control SOCKET] COMMAND [ARGUMENT]... ($FAULTS_CONTROL for SOCKET)\n", controlHelp)
		return 0
	}
	method, path, body, err := controlCall(arguments[0], arguments[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "fault-proxy ctl:", err)
		return 2
	}
	answer, err := callControl(socket, method, path, body)
	if err != nil {
		fmt.Fprintln(os.Stderr, "fault-proxy ctl:", err)
		return 1
	}
	_, _ = os.Stdout.Write(answer)
	return 0
}

func callControl(socket, method, path, body string) ([]byte, error) {
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}}
	request, err := http.NewRequest(method, "http://fault-proxy"+path, bytes.NewReader([]byte(body)))
	if err != nil {
		return nil, err
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode >= 300 {
		err = errors.New(strings.TrimSpace(string(answer)))
	}
	return answer, err
}
