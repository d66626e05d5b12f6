// bench-driver measures the operator, and beside it bench-peer, against a world that run.sh has started. It prints a
// table and writes the same figures as JSON. It judges nothing: figures of a busy machine are figures of a busy machine,
// which is why each stands beside the peer's of the same run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// patience is how long any one condition may take before the run is given up.
const (
	patience       = 2 * time.Minute
	patiencePerPod = 150 * time.Millisecond // controllers make them at some twenty a second
)

type options struct {
	kubeconfig  string
	nodesPID    int
	peer        string
	measure     string
	audit       string
	operator    string
	work        string
	output      string
	occurrences int
	pods        int
	updates     int
	rounds      int
	auditPods   int
}

// bench is one run.
type bench struct {
	options options
	ctx     context.Context
	config  *rest.Config
	client  kubernetes.Interface
	dynamic dynamic.Interface
	report  report

	ours, peer  *subject
	peerProcess *peerProcess
}

func main() {
	var o options
	flag.StringVar(&o.kubeconfig, "kubeconfig", os.Getenv("KUBECONFIG"), "an administrator's")
	flag.IntVar(&o.nodesPID, "nodes-pid", 0, "pid of process-nodes, under which operator and sidecars run")
	flag.StringVar(&o.peer, "peer", "", "bench-peer")
	flag.StringVar(&o.measure, "measure", "", "bench-measure")
	flag.StringVar(&o.operator, "operator", "", "proget-operator")
	flag.StringVar(&o.audit, "audit", "", "kubectl-proget")
	flag.StringVar(&o.work, "work", "", "folder for what is needed for a while")
	flag.StringVar(&o.output, "output", "", "file for the figures as JSON")
	flag.IntVar(&o.occurrences, "occurrences", 200, "of CoScheduled, for each of the two, in each of two rounds")
	flag.IntVar(&o.pods, "pods", 1000, "pods of others")
	flag.IntVar(&o.updates, "updates", 5000, "updates of pods of others, in each round of them")
	flag.IntVar(&o.rounds, "rounds", 2, "of updates; after each the memory is taken")
	flag.IntVar(&o.auditPods, "audit-pods", 10000, "pods in the dump that is audited")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	b := &bench{options: o, ctx: ctx}
	if err := errors.Join(b.run(), b.close()); err != nil {
		stop()
		fmt.Fprintln(os.Stderr, "bench-driver:", err)
		os.Exit(1)
	}
}

func (b *bench) connect() (err error) {
	if b.config, err = clientcmd.BuildConfigFromFlags("", b.options.kubeconfig); err != nil {
		return err
	}
	b.config.QPS = -1
	if b.dynamic, err = dynamic.NewForConfig(b.config); err != nil {
		return err
	}
	typed := rest.CopyConfig(b.config)
	typed.ContentType = runtime.ContentTypeProtobuf
	typed.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	b.client, err = kubernetes.NewForConfig(typed)
	return err
}

func (b *bench) run() error {
	steps := []struct {
		what string
		do   func() error
	}{
		{"connecting", b.connect},
		{"starting the peer", b.startPeer},
		{"making room for both", b.makeSubjects},
		{"memory with the demo's cluster", func() error { return b.takeMemory(momentDemo) }},
		{"API write to Event, small cluster", func() error { return b.takeLatency("small") }},
		{"pods of others", b.makeForeignPods},
		{"memory with pods of others", func() error { return b.takeMemory(momentForeign) }},
		{"API write to Event, large cluster", func() error { return b.takeLatency("large") }},
		{"updates of pods of others", b.takeChurns},
		{"an operator that starts among them", b.takeStart},
		{"offline", b.takeOffline},
	}
	b.report.describe(&b.options)
	for _, step := range steps {
		started := time.Now()
		fmt.Fprintf(os.Stderr, "bench: %s ...", step.what)
		if err := step.do(); err != nil {
			fmt.Fprintln(os.Stderr, " failed")
			return fmt.Errorf("%s: %w", step.what, err)
		}
		fmt.Fprintf(os.Stderr, " %.1f s\n", time.Since(started).Seconds())
	}
	b.report.print(os.Stdout)
	return b.report.write(b.options.output)
}

func (b *bench) close() error {
	if b.peerProcess == nil {
		return nil
	}
	return b.peerProcess.stop()
}

// within runs a wait with the patience of one condition.
func (b *bench) within(what string, wait func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(b.ctx, patience+time.Duration(b.options.pods)*patiencePerPod)
	defer cancel()
	if err := wait(ctx); err != nil {
		return fmt.Errorf("waiting for %s: %w", what, err)
	}
	return nil
}
