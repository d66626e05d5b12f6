package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// weather makes the faults of the proxy happen, and kills the API server.
type weather struct {
	proxy    *proxy
	random   *rand.Rand
	options  *options
	log      *os.File
	restarts int
	isSecond bool // the certificate that is served
	failure  error
	stalled  time.Time // when what is stalled is to be released; zero: nothing is
}

func newWeather(o *options) *weather {
	log, err := os.Create(filepath.Join(o.work, "weather.log"))
	if err != nil {
		log = os.Stderr
	}
	return &weather{proxy: newProxy(o.proxy), random: o.random(streamWeather), options: o, log: log}
}

func (w *weather) note(format string, arguments ...any) {
	fmt.Fprintf(w.log, "%s %s\n", time.Now().UTC().Format("15:04:05.000"), fmt.Sprintf(format, arguments...))
}

// streamFaults happen to bodies: of watches that are opened from now on, or of those that are open.
var streamFaults = []string{
	`{"kind":"cut-stream","frames":[0,8],"bytes":[0,400]}`,
	`{"kind":"cut-connection","bytes":[0,20000]}`,
	`{"kind":"stall","frames":[0,5],"bytes":[0,200],"ms":[500,6000]}`,
	`{"kind":"truncate","frames":[0,8],"bytes":[0,400]}`,
	`{"kind":"inject","frames":[0,3],"frame":"huge"}`,
	`{"kind":"inject","frames":[0,3],"frame":"garbage"}`,
	`{"kind":"inject","frames":[0,3],"frame":"not-event"}`,
	`{"kind":"inject","frames":[0,3],"frame":"unknown-type"}`,
	`{"kind":"inject","frames":[0,3],"frame":"blank","times":[1,3]}`,
	`{"kind":"error-event","frames":[0,5]}`,
	`{"kind":"error-event","frames":[0,5],"code":500,"reason":"InternalError","message":"storm"}`,
	`{"kind":"error-event","frames":[0,5],"end":false}`,
	`{"kind":"end","frames":[0,5]}`,
	`{"kind":"end","before":"initial-events-end"}`,
	`{"kind":"drop-bookmarks"}`,
	`{"kind":"strip-initial-events-end"}`,
	`{"kind":"duplicate","probability":0.5,"times":[1,20]}`,
	`{"kind":"hold","ms":[100,4000]}`,
}

// answerFaults happen to requests of any kind.
var answerFaults = []string{
	`{"kind":"cut-stream","at":"answer"}`,
	`{"kind":"cut-stream","at":"request"}`,
	`{"kind":"cut-stream","bytes":[0,300]}`,
	`{"kind":"cut-connection","at":"answer"}`,
	`{"kind":"cut-connection","at":"request"}`,
	`{"kind":"delay","headMs":[50,3000]}`,
	`{"kind":"delay","chunkMs":[10,300]}`,
	`{"kind":"stall","ms":[500,5000]}`,
	`{"kind":"truncate","bytes":[0,400]}`,
	`{"kind":"status","preset":"401"}`,
	`{"kind":"status","preset":"403"}`,
	`{"kind":"status","preset":"404"}`,
	`{"kind":"status","preset":"410"}`,
	`{"kind":"status","preset":"429"}`,
	`{"kind":"status","preset":"429-retry"}`,
	`{"kind":"status","preset":"500-html"}`,
	`{"kind":"status","preset":"503-close"}`,
	`{"kind":"status","preset":"500-html","forward":true}`,
	`{"kind":"status","code":504,"reason":"Timeout","message":"storm","forward":true}`,
	`{"kind":"status","code":409,"reason":"Conflict","message":"storm"}`,
	`{"kind":"goaway"}`,
	`{"kind":"goaway","mode":"abrupt"}`,
}

var matches = []string{
	`{}`, `{}`, `{}`,
	`{"form":"watch"}`, `{"form":"list"}`, `{"form":"get"}`,
	`{"methods":["POST"]}`, `{"methods":["PATCH"]}`, `{"methods":["PUT"]}`,
	`{"resource":"pods"}`, `{"resource":["leases"]}`, `{"resource":["progetclusters"]}`, `{"resource":["events"]}`,
	`{"resource":"pods/status"}`, `{"resource":"progetclusters/status"}`, `{"resource":["nodes","priorityclasses"]}`,
}

// blow goes on until ctx ends.
func (w *weather) blow(ctx context.Context) {
	killAt := time.Now().Add(time.Duration(2000+w.random.IntN(12000)) * time.Millisecond)
	kills := w.random.Float64() < 0.5
	for sleep(ctx, time.Duration(100+w.random.IntN(600))*time.Millisecond) {
		if kills && time.Now().After(killAt) {
			kills = false
			w.killServer()
			continue
		}
		if err := w.gust(ctx); err != nil && ctx.Err() == nil {
			w.note("refused: %v", err)
		}
	}
}

func (w *weather) gust(ctx context.Context) error {
	number := w.random.IntN(100)
	if !w.stalled.IsZero() && time.Now().After(w.stalled) {
		w.stalled = time.Time{}
		return w.act(ctx, `{"action":"release"}`)
	}
	switch {
	case number < 35:
		match := strings.TrimSuffix(pick(w.random, matches[3:]), "}")
		return w.rule(ctx, pick(w.random, []string{`{"form":"watch"}`, match + "}"}), pick(w.random, streamFaults))
	case number < 70:
		return w.rule(ctx, pick(w.random, matches), pick(w.random, answerFaults))
	case number < 85:
		return w.act(ctx, fmt.Sprintf(`{"action":"apply","match":{"form":"watch"},"fault":%s,"forMs":%d}`, pick(w.random, streamFaults), w.ms()))
	}
	return w.act(ctx, w.action())
}

func (w *weather) ms() int { return 500 + w.random.IntN(5000) }

func (w *weather) rule(ctx context.Context, match, fault string) error {
	probability := 0.1 + 0.6*w.random.Float64()
	rule := fmt.Sprintf(`{"match":%s,"when":{"probability":%.2f,"forMs":%d},"fault":%s}`, match, probability, w.ms(), fault)
	w.note("rule %s", rule)
	return w.proxy.add(ctx, rule)
}

func (w *weather) act(ctx context.Context, action string) error {
	w.note("action %s", action)
	return w.proxy.act(ctx, action)
}

func (w *weather) action() string {
	switch w.random.IntN(8) {
	case 0:
		return `{"action":"cut"}`
	case 1:
		return fmt.Sprintf(`{"action":"cut","bytes":%d}`, 1+w.random.IntN(30000))
	case 2:
		return `{"action":"goaway"}`
	case 3:
		return `{"action":"goaway","mode":"abrupt"}`
	case 4:
		w.stalled = time.Now().Add(time.Duration(w.ms()) * time.Millisecond / 2)
		return `{"action":"stall"}`
	case 5:
		return fmt.Sprintf(`{"action":"handshakes","refuse":true,"forMs":%d}`, w.ms()/2)
	case 6:
		return fmt.Sprintf(`{"action":"listener","open":false,"forMs":%d}`, w.ms()/2)
	}
	w.isSecond = !w.isSecond
	name := map[bool]string{false: "server", true: "second"}[w.isSecond]
	base := filepath.Join(w.options.proxy, name)
	return fmt.Sprintf(`{"action":"certificate","certificate":"%s.crt","key":"%s.key"}`, base, base)
}

// killServer returns once the API server is there again.
func (w *weather) killServer() {
	w.note("killing the API server")
	w.restarts++
	output, err := exec.Command(w.options.restart).CombinedOutput()
	w.note("the API server is back: %v %s", err, output)
	if err != nil {
		w.failure = fmt.Errorf("the API server did not start again: %w: %s", err, output)
	}
}

// settle ends all faults.
func (w *weather) settle(ctx context.Context) error {
	w.note("calm")
	if w.failure != nil {
		return w.failure
	}
	if err := w.proxy.send(ctx, "DELETE", "/rules", "", nil); err != nil {
		return err
	}
	return w.proxy.act(ctx, `{"action":"calm"}`)
}
