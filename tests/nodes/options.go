package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// options is the command line, checked.
type options struct {
	kubeconfig     string
	nodes          []nodeConfig
	programs       programTable
	state          string
	control        string
	serviceAddress string
	activations    string
	productPort    int
	lease          time.Duration
	backoffFirst   time.Duration
	backoffLast    time.Duration
	passed         []string
}

// repeated collects an option that may be given more than once.
type repeated []string

func (values *repeated) String() string { return fmt.Sprint(*values) }

func (values *repeated) Set(value string) error {
	*values = append(*values, value)
	return nil
}

const usage = `usage: process-nodes --kubeconfig FILE (--nodes FILE | --count N) --state DIR --control SOCKET
                     [--programs IMAGE_PATTERN=PROGRAM]... [option]...
       process-nodes ctl --control SOCKET COMMAND [ARGUMENT]...    (ctl help lists the commands)

options:
`

func parseOptions(arguments []string) (*options, error) {
	parsed := &options{}
	var nodesFile string
	var count int
	var programs, passed repeated
	flags := flag.NewFlagSet("process-nodes", flag.ContinueOnError)
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), usage)
		flags.PrintDefaults()
	}
	flags.StringVar(&parsed.kubeconfig, "kubeconfig", "", "how to reach the API server, with an administrator's rights")
	flags.StringVar(&nodesFile, "nodes", "", "YAML file that describes the nodes (README.md)")
	flags.IntVar(&count, "count", 0, "that many nodes, node-0 and on, all alike")
	flags.Var(&programs, "programs", "`IMAGE_PATTERN=PROGRAM [ARGUMENT...]`: what to run for an image; the first match counts")
	flags.StringVar(&parsed.state, "state", "", "folder for volumes and logs")
	flags.StringVar(&parsed.control, "control", "", "path of the unix socket for commands")
	flags.StringVar(&parsed.serviceAddress, "service-address", "",
		"`HOST:PORT` given to containers as KUBERNETES_SERVICE_HOST and _PORT (default: the kubeconfig's server)")
	flags.StringVar(&parsed.activations, "activations", "",
		"folder in which simulated products remember activations (default: every machine is activated)")
	flags.IntVar(&parsed.productPort, "product-port", 0, "port of the product on its pod's address (default: a free one)")
	flags.DurationVar(&parsed.lease, "lease", 8*time.Second, "leaseDurationSeconds of a node; renewed four times as often")
	flags.DurationVar(&parsed.backoffFirst, "backoff-first", time.Second, "delay before the second restart; doubles")
	flags.DurationVar(&parsed.backoffLast, "backoff-last", 8*time.Second, "longest delay before a restart")
	flags.Var(&passed, "pass-environment", "`NAME` of a variable that containers get from process-nodes' own environment")
	if err := flags.Parse(arguments); err != nil {
		return nil, err
	}
	return parsed, parsed.complete(flags.Args(), nodesFile, count, programs, passed)
}

// complete checks what was parsed and derives the rest.
func (o *options) complete(rest []string, nodesFile string, count int, programs, passed repeated) error {
	if len(rest) > 0 {
		return fmt.Errorf("unexpected argument %q", rest[0])
	}
	if o.kubeconfig == "" || o.state == "" || o.control == "" {
		return errors.New("--kubeconfig, --state and --control are required")
	}
	if (nodesFile == "") == (count == 0) {
		return errors.New("give either --nodes or --count")
	}
	if o.lease < 2*time.Second {
		return errors.New("--lease must be at least 2s")
	}
	var err error
	if o.programs, err = parsePrograms(programs); err != nil {
		return err
	}
	if nodesFile != "" {
		o.nodes, err = readNodeConfigs(nodesFile)
	} else {
		o.nodes, err = expandNodeConfigs([]nodeConfig{{Name: "node", Count: count}})
	}
	if err != nil {
		return err
	}
	for _, path := range []*string{&o.kubeconfig, &o.state, &o.control, &o.activations} {
		if *path == "" {
			continue
		}
		if *path, err = filepath.Abs(*path); err != nil {
			return err
		}
	}
	for _, name := range passed {
		if value, found := os.LookupEnv(name); found {
			o.passed = append(o.passed, name+"="+value)
		}
	}
	return nil
}
