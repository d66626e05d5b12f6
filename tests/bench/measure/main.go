// bench-measure runs a program and prints what it took as JSON. A program of its own, because Linux counts the starter's
// memory into the started program's peak: this one has next to none.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

type result struct {
	WallSeconds float64 `json:"wallSeconds"`
	CPUSeconds  float64 `json:"cpuSeconds"`
	PeakBytes   int64   `json:"peakBytes"`
	ExitStatus  int     `json:"exitStatus"`
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: bench-measure PROGRAM [ARGUMENT...]")
		os.Exit(2)
	}
	command := exec.Command(os.Args[1], os.Args[2:]...)
	command.Stderr = os.Stderr
	// It goes with us, whatever ends us; the kernel looks at the thread that started it.
	runtime.LockOSThread()
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := time.Now()
	err := command.Run()
	wall := time.Since(started)
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		fmt.Fprintln(os.Stderr, "bench-measure:", err)
		os.Exit(2)
	}
	state := command.ProcessState
	usage := state.SysUsage().(*syscall.Rusage)
	_ = json.NewEncoder(os.Stdout).Encode(result{
		WallSeconds: wall.Seconds(),
		CPUSeconds:  (state.UserTime() + state.SystemTime()).Seconds(),
		PeakBytes:   usage.Maxrss * 1024,
		ExitStatus:  state.ExitCode(),
	})
}
