package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// process is one operator.
type process struct {
	command *exec.Cmd
	started time.Time
	done    chan struct{}
	err     error
}

// An operator ends its writes within 5 s of SIGTERM, and gives the Lease up within 5 more.
const endWithin = 20 * time.Second

func startProcess(o *options, log string, environment []string, arguments ...string) (*process, error) {
	output, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer output.Close()
	arguments = append(arguments, "--listen=127.0.0.1:0", "--discover=false", "--log-level="+o.logLevel)
	p := &process{command: exec.Command(o.operator, arguments...), started: time.Now(), done: make(chan struct{})}
	p.command.Stdout, p.command.Stderr = output, output
	p.command.Env = append(os.Environ(), environment...)
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.err = p.command.Wait()
		close(p.done)
	}()
	return p, nil
}

func (p *process) pid() int { return p.command.Process.Pid }

func (p *process) signal(signal syscall.Signal) { _ = p.command.Process.Signal(signal) }

func (p *process) wait() { <-p.done }

func (p *process) hasEnded() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

func (p *process) ended() string {
	if p.err == nil {
		return "exit status 0"
	}
	return p.err.Error()
}

// stop asks it to end, and returns what was wrong with that.
func (p *process) stop() []string {
	if p.hasEnded() {
		return []string{"it ended by itself: " + p.ended()}
	}
	p.signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(endWithin):
		p.signal(syscall.SIGKILL)
		p.wait()
		return []string{fmt.Sprintf("it did not end within %v of SIGTERM", endWithin)}
	}
	// Before it minds signals, SIGTERM ends it as any program.
	status, _ := p.command.ProcessState.Sys().(syscall.WaitStatus)
	if p.err != nil && !(status.Signaled() && status.Signal() == syscall.SIGTERM && time.Since(p.started) < 3*time.Second) {
		return []string{"after SIGTERM: " + p.ended()}
	}
	return nil
}

// complaints are a sanitizer's, and failed assertions.
func complaints(path string) []string {
	file, err := os.Open(path)
	if err != nil {
		return []string{err.Error()}
	}
	defer file.Close()
	var result []string
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		for _, sign := range []string{"Sanitizer", "runtime error:", "Assertion `"} {
			if strings.Contains(lines.Text(), sign) && len(result) < 5 {
				result = append(result, filepath.Base(path)+": "+lines.Text())
			}
		}
	}
	return result
}
