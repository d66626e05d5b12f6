// Command process-nodes plays the kubelet for fake nodes whose containers are local processes. See README.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	os.Exit(dispatch(os.Args[1:]))
}

// dispatch runs one of the program's parts and returns the exit status: 0 done, 1 failed, 2 unusable command line.
func dispatch(arguments []string) int {
	if len(arguments) > 0 {
		switch arguments[0] {
		case "ctl":
			return runControlClient(arguments[1:])
		case "run-container":
			return runContainer()
		case "pause":
			return runPause()
		}
	}
	options, err := parseOptions(arguments)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "process-nodes:", err)
		return 2
	}
	if err := enterNamespaceWhereUnprivileged(); err != nil {
		fmt.Fprintln(os.Stderr, "process-nodes:", err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := runNodes(ctx, options); err != nil {
		fmt.Fprintln(os.Stderr, "process-nodes:", err)
		return 1
	}
	return 0
}
