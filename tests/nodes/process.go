package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// process is a container's process, from its start to its end. Its fields but done are valid once done is closed.
type process struct {
	pid      int
	started  time.Time
	done     chan struct{}
	finished time.Time
	exitCode int32
	failure  string // why it never became the container's program; "" normally
}

// starter starts processes from one thread that lives as long as the program: the kernel then kills them when the
// program dies, whatever way it dies, and not when some short-lived thread ends.
type starter struct {
	requests chan func()
	self     string
}

func newStarter() (*starter, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &starter{requests: make(chan func()), self: self}
	go func() {
		runtime.LockOSThread()
		for request := range s.requests {
			request()
		}
	}()
	return s, nil
}

// start runs a container's process. pause is the pid of the pod's process namespace, 0 for one of its own.
func (s *starter) start(spec *processSpec, output *os.File, pause int) (*process, error) {
	text, err := json.Marshal(spec)
	if err != nil {
		return nil, err
	}
	specRead, specWrite, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	errorRead, errorWrite, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, specRead.Close(), specWrite.Close())
	}
	command := exec.Command(s.self, "run-container")
	command.Env = []string{}
	command.Stdout, command.Stderr = output, output
	command.ExtraFiles = []*os.File{specRead, errorWrite}
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWUTS}
	if pause == 0 {
		command.SysProcAttr.Cloneflags |= unix.CLONE_NEWPID
		command.SysProcAttr.Pdeathsig = syscall.SIGKILL
	}
	// In a shared process namespace the end of pause, its first process, is the end of all. (Pdeathsig cannot be had
	// there: Go compares parent pids, which differ between the namespaces.)
	err = s.launch(command, pause)
	_ = specRead.Close()
	_ = errorWrite.Close()
	if err != nil {
		return nil, errors.Join(err, specWrite.Close(), errorRead.Close())
	}
	result := &process{pid: command.Process.Pid, started: time.Now(), done: make(chan struct{})}
	_, err = specWrite.Write(text)
	clear(text)
	_ = specWrite.Close()
	failure, _ := io.ReadAll(io.LimitReader(errorRead, 4096))
	_ = errorRead.Close()
	if err != nil && len(failure) == 0 {
		failure = []byte(err.Error())
	}
	result.failure = strings.TrimSpace(string(failure))
	go result.wait(command)
	return result, nil
}

// startPause starts the process that holds a pod's shared process namespace.
func (s *starter) startPause() (*process, error) {
	command := exec.Command(s.self, "pause")
	command.Env = []string{"GOMAXPROCS=1"}
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL, Cloneflags: unix.CLONE_NEWPID}
	if err := s.launch(command, 0); err != nil {
		return nil, err
	}
	result := &process{pid: command.Process.Pid, started: time.Now(), done: make(chan struct{})}
	go result.wait(command)
	return result, nil
}

// launch forks on the starter's thread; into pause's process namespace on a thread that ends with it, since there is no
// way back for a thread without rights on the machine's own namespace.
func (s *starter) launch(command *exec.Cmd, pause int) error {
	result := make(chan error, 1)
	if pause == 0 {
		s.requests <- func() { result <- command.Start() }
		return <-result
	}
	go func() {
		runtime.LockOSThread() // never unlocked: the thread goes with the goroutine
		if err := enterProcessNamespace(pause); err != nil {
			result <- err
			return
		}
		result <- command.Start()
	}()
	return <-result
}

func enterProcessNamespace(pid int) error {
	descriptor, err := unix.Open(fmt.Sprintf("/proc/%d/ns/pid", pid), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(descriptor)
	return unix.Setns(descriptor, unix.CLONE_NEWPID)
}

func (p *process) wait(command *exec.Cmd) {
	_ = command.Wait()
	p.finished = time.Now()
	p.exitCode = int32(command.ProcessState.ExitCode())
	if status, ok := command.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		p.exitCode = 128 + int32(status.Signal())
	}
	close(p.done)
}

// send delivers a signal unless the process has ended; its pid is not reused before wait has seen the end.
func (p *process) send(signal syscall.Signal) {
	select {
	case <-p.done:
	default:
		_ = syscall.Kill(p.pid, signal)
	}
}

// endsWithin waits until the process has ended; false when the time is up before.
func (p *process) endsWithin(limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-p.done:
		return true
	case <-timer.C:
		return false
	}
}

// check starts one process to find out whether containers can be started here at all.
func (s *starter) check(scratch string) error {
	spec := &processSpec{Command: []string{"true"}, Environment: []string{"PATH=/usr/bin:/bin"}, Directory: "/",
		Hostname: "check", Scratch: scratch}
	trial, err := s.start(spec, nil, 0)
	if err == nil && !trial.endsWithin(10*time.Second) {
		trial.send(syscall.SIGKILL)
		err = errors.New("a trial process does not end")
	}
	if err == nil && (trial.failure != "" || trial.exitCode != 0) {
		err = fmt.Errorf("%s (exit status %d)", trial.failure, trial.exitCode)
	}
	if err != nil {
		return fmt.Errorf("containers cannot be started here: needs root with CAP_SYS_ADMIN, "+
			"or unprivileged user namespaces: %w", err)
	}
	return nil
}

// insideVariable tells the second start that it already is in its user namespace.
const insideVariable = "PROCESS_NODES_INSIDE"

// enterNamespaceWhereUnprivileged starts the program anew, with the same pid, as root of a user namespace of its own,
// unless it is root. Returns where nothing had to be done, or nothing can be done.
func enterNamespaceWhereUnprivileged() error {
	if os.Geteuid() == 0 || os.Getenv(insideVariable) != "" {
		return nil
	}
	unshare, err := exec.LookPath("unshare")
	if err != nil {
		return errors.New("needs root, or the program unshare (util-linux) and unprivileged user namespaces")
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	arguments := append([]string{unshare, "--user", "--map-root-user", "--mount", "--", self}, os.Args[1:]...)
	return syscall.Exec(unshare, arguments, append(os.Environ(), insideVariable+"=1"))
}
