// Command fault-proxy stands between programs and a kube-apiserver and breaks what passes. See ../README.md.
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	os.Exit(dispatch(os.Args[1:]))
}

// dispatch runs one of the program's parts and returns the exit status: 0 done, 1 failed, 2 unusable command line.
func dispatch(arguments []string) int {
	if len(arguments) > 0 && arguments[0] == "ctl" {
		return runControlClient(arguments[1:])
	}
	parsed, err := parseOptions(arguments)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "fault-proxy:", err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx, parsed); err != nil {
		fmt.Fprintln(os.Stderr, "fault-proxy:", err)
		return 1
	}
	return 0
}

// options is the command line, checked.
type options struct {
	upstream    string
	upstreamCA  string
	listen      string
	certificate string
	key         string
	control     string
	log         string
	seed        uint64
}

const usage = `usage: fault-proxy --upstream URL --upstream-ca FILE --listen ADDRESS:PORT --certificate FILE --key FILE
                   --control SOCKET [--seed N] [--log FILE]
       fault-proxy ctl --control SOCKET COMMAND [ARGUMENT]...    (ctl help lists the commands)

options:
`

func parseOptions(arguments []string) (*options, error) {
	parsed := &options{}
	flags := flag.NewFlagSet("fault-proxy", flag.ContinueOnError)
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), usage)
		flags.PrintDefaults()
	}
	flags.StringVar(&parsed.upstream, "upstream", "", "`URL` of the API server, https")
	flags.StringVar(&parsed.upstreamCA, "upstream-ca", "", "`FILE` with the authority that signed the API server's certificate")
	flags.StringVar(&parsed.listen, "listen", "127.0.0.1:0", "loopback `ADDRESS:PORT` to serve on; port 0: a free one")
	flags.StringVar(&parsed.certificate, "certificate", "", "`FILE` with the certificate to serve with")
	flags.StringVar(&parsed.key, "key", "", "`FILE` with its key")
	flags.StringVar(&parsed.control, "control", "", "path of the unix `SOCKET` for rules and actions")
	flags.StringVar(&parsed.log, "log", "", "`FILE` that gets a line of JSON per injected fault")
	flags.Uint64Var(&parsed.seed, "seed", 1, "of all random decisions")
	if err := flags.Parse(arguments); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	for _, value := range []string{parsed.upstream, parsed.upstreamCA, parsed.certificate, parsed.key, parsed.control} {
		if value == "" {
			return nil, errors.New("--upstream, --upstream-ca, --certificate, --key and --control are required")
		}
	}
	host, _, err := net.SplitHostPort(parsed.listen)
	if err != nil {
		return nil, fmt.Errorf("--listen: %w", err)
	}
	if address := net.ParseIP(host); address == nil || !address.IsLoopback() {
		return nil, fmt.Errorf("--listen: %s is no loopback address", host)
	}
	return parsed, nil
}

// run serves until ctx ends.
func run(ctx context.Context, o *options) error {
	p, err := newProxy(o)
	if err != nil {
		return err
	}
	defer p.end()
	control, err := listenControl(p, o.control)
	if err != nil {
		return err
	}
	defer control.Close()
	if err := p.door.open(); err != nil {
		return err
	}
	fmt.Println(p.door.address())
	<-ctx.Done()
	return nil
}

// proxy is all that requests share.
type proxy struct {
	rules       *ruleSet
	upstream    *upstreamPool
	door        *door
	connections *connectionSet
	streams     *streamSet
	counts      *counts
	writes      *writeSet
	log         *faultLog
}

func newProxy(o *options) (*proxy, error) {
	p := &proxy{rules: newRuleSet(o.seed), streams: newStreamSet(), counts: newCounts(), writes: newWriteSet()}
	var err error
	if p.log, err = openFaultLog(o.log); err != nil {
		return nil, err
	}
	if p.upstream, err = newUpstreamPool(o.upstream, o.upstreamCA); err != nil {
		return nil, err
	}
	certificate, err := tls.LoadX509KeyPair(o.certificate, o.key)
	if err != nil {
		return nil, err
	}
	p.connections = newConnectionSet()
	p.door = newDoor(p, o.listen, &certificate)
	return p, nil
}

func (p *proxy) end() {
	p.door.close()
	p.connections.each(nil, (*connection).cut)
	p.upstream.close()
	p.log.close()
}
