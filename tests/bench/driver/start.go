package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// takeStart starts another operator, which stands by, among all the pods that are there, and notes its peak until it is in
// step: what a first sync holds beyond what the model keeps.
func (b *bench) takeStart() (err error) {
	ctx, stop := context.WithTimeout(b.ctx, 2*time.Minute)
	defer stop()
	command := exec.CommandContext(ctx, b.options.operator, "--kubeconfig", b.options.kubeconfig, "--leader-elect=true",
		"--listen", "127.0.0.1:0")
	command.Env = append(os.Environ(), "POD_NAMESPACE=proget-operator")
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	output, err := command.StderrPipe()
	if err != nil {
		return err
	}
	started := time.Now()
	if err := command.Start(); err != nil {
		return err
	}
	defer func() {
		stop()
		if wait := command.Wait(); wait != nil && !errors.Is(wait, context.Canceled) {
			err = errors.Join(err, wait)
		}
	}()
	var said []string
	for lines := bufio.NewScanner(output); lines.Scan(); {
		said = append(said, lines.Text())
		if !strings.Contains(lines.Text(), "in step with the API server") {
			continue
		}
		status, err := rows(fmt.Sprintf("/proc/%d/status", command.Process.Pid))
		if err != nil {
			return err
		}
		b.report.Start = &startFigures{Pods: b.options.pods, Seconds: time.Since(started).Seconds(),
			Peak: status["VmHWM"], RSS: status["VmRSS"]}
		return nil
	}
	return fmt.Errorf("the second operator did not come in step: %s", strings.Join(said, "; "))
}
