// storm lets two operators work behind the fault proxy while a few hundred pods change at random and every fault of the
// proxy happens at random; at quiet points it compares what they published with what a fresh operator computes from
// scratch, and keeps the books on what was announced. storm.sh runs it; ../README.md says what it proves.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// patience is how long nothing may get better at a quiet point before it is what it is; on a busy machine there is a lot
// to catch up with.
const (
	patience    = 90 * time.Second
	patienceMax = 5 * time.Minute
)

type options struct {
	kubeconfig  string
	etcd        string
	proxy       string
	proxyServer string
	fresh       string
	freshServer string
	operator    string
	restart     string
	work        string
	logLevel    string
	seed        uint64
	rounds      int
	changes     int
}

// Each part has a generator of its own, so that one's timing does not change what another one does.
const (
	streamChanges = iota + 1
	streamWeather
	streamCrew
)

func (o *options) random(stream uint64) *rand.Rand { return rand.New(rand.NewPCG(o.seed, stream)) }

// storm is one run.
type storm struct {
	options options
	api     *api
	world   *world
	history *history
	weather *weather
	crew    *crew
	figures figures
	passed  int
	failed  int
}

func parseOptions() options {
	var o options
	flag.StringVar(&o.kubeconfig, "kubeconfig", os.Getenv("KUBECONFIG"), "an administrator's, past the proxies")
	flag.StringVar(&o.etcd, "etcd", "", "`URL` of etcd")
	flag.StringVar(&o.proxy, "proxy", "", "`FOLDER` of the fault proxy that the operators use")
	flag.StringVar(&o.proxyServer, "proxy-server", "", "its `URL`")
	flag.StringVar(&o.fresh, "fresh", "", "`FOLDER` of the proxy for operators that start from scratch")
	flag.StringVar(&o.freshServer, "fresh-server", "", "its `URL`")
	flag.StringVar(&o.operator, "operator", "", "proget-operator")
	flag.StringVar(&o.restart, "restart", "", "`COMMAND` that kills the API server and starts it again")
	flag.StringVar(&o.work, "work", "", "`FOLDER` for logs")
	flag.StringVar(&o.logLevel, "log-level", "info", "of the operators")
	flag.Uint64Var(&o.seed, "seed", 1, "of everything")
	flag.IntVar(&o.rounds, "rounds", 4, "quiet points")
	flag.IntVar(&o.changes, "changes", 150, "of objects, in each round")
	flag.Parse()
	return o
}

func main() {
	s := &storm{options: parseOptions()}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	started := time.Now()
	err := s.run(ctx)
	if s.crew != nil {
		s.check("the operators' ends and logs", s.crew.end())
	}
	if err != nil && !errors.Is(err, errFailed) {
		s.failed++
		fmt.Println("FAIL  the storm itself:", err)
	}
	s.figures.print(s, time.Since(started))
	fmt.Printf("%d passed, %d failed\n", s.passed, s.failed)
	if s.failed > 0 {
		stop()
		os.Exit(1)
	}
}

var errFailed = errors.New("a check failed")

// check counts one, and prints what is wrong.
func (s *storm) check(what string, problems []string) {
	if len(problems) == 0 {
		s.passed++
		fmt.Println("ok   ", what)
		return
	}
	s.failed++
	fmt.Printf("FAIL  %s: %d differences\n", what, len(problems))
	for _, problem := range problems {
		fmt.Println("     ", problem)
	}
}

func (s *storm) run(ctx context.Context) error {
	var err error
	if s.api, err = connect(s.options.kubeconfig); err != nil {
		return err
	}
	s.world = newWorld(s.api, s.options.random(streamChanges))
	s.history = newHistory(s.options.etcd, s.world)
	if err := s.history.start(ctx); err != nil {
		return err
	}
	s.weather = newWeather(&s.options)
	s.crew = newCrew(&s.options, s.api)
	if err := s.world.populate(ctx); err != nil {
		return err
	}
	if err := s.crew.start(ctx); err != nil {
		return err
	}
	go s.world.renewHeartbeats(ctx)
	for round := 1; round <= s.options.rounds; round++ {
		if err := s.round(ctx, round); err != nil {
			return err
		}
	}
	return nil
}

// round lets it storm until all changes of the round are made, and then looks.
func (s *storm) round(ctx context.Context, round int) error {
	calm, cancel := context.WithCancel(ctx)
	var around sync.WaitGroup
	around.Go(func() { s.weather.blow(calm) })
	around.Go(func() { s.crew.disturb(calm) })
	err := s.world.change(ctx, s.options.changes)
	cancel()
	around.Wait()
	if err := errors.Join(err, s.weather.settle(ctx), s.crew.muster(ctx)); err != nil {
		return err
	}
	return s.look(ctx, round)
}

// look is the quiet point: it waits until nothing is wrong any more, for as long as the operators' patience lasts.
func (s *storm) look(ctx context.Context, round int) error {
	started := time.Now()
	fresh, err := startFresh(ctx, &s.options, s.api, round)
	if err != nil {
		return err
	}
	defer fresh.end()
	progress, err := os.Create(filepath.Join(s.options.work, fmt.Sprintf("quiet.%d.log", round)))
	if err != nil {
		return err
	}
	defer progress.Close()
	var found findings
	stood, best, bettered := false, math.MaxInt, started
	for {
		revision := s.history.revision()
		if found, err = s.inspect(ctx, fresh); err != nil {
			return err
		}
		found.note(progress)
		// Twice in a row, so that it is no moment on the way to something else.
		if found.none() && stood && revision == s.history.revision() {
			break
		}
		stood = found.none()
		if count := found.count(); count < best {
			best, bettered = count, time.Now()
		}
		if found.isHopeless() || time.Since(bettered) > patience || time.Since(started) > patienceMax {
			break
		}
		wait := 500 * time.Millisecond
		if stood {
			wait = 2 * time.Second
		}
		if !sleep(ctx, wait) {
			return ctx.Err()
		}
	}
	s.figures.converged(time.Since(started))
	s.figures.books = found.figures
	s.check(fmt.Sprintf("round %d: statuses and annotations equal a fresh operator's (%.1f s)", round, time.Since(started).Seconds()), found.differences)
	s.check(fmt.Sprintf("round %d: every finding announced once, every end resolved once", round), found.unsaid)
	s.check(fmt.Sprintf("round %d: the evictions are those that were caused", round), found.evictions)
	if !found.none() {
		found.keep(filepath.Join(s.options.work, "evidence.json"))
		return errFailed
	}
	s.world.verified(found.evicted)
	return nil
}

// sleep returns false where ctx ended first.
func sleep(ctx context.Context, span time.Duration) bool {
	timer := time.NewTimer(span)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
