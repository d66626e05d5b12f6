package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// processSpec is what a container's process needs; it travels through a pipe, since it holds secrets.
type processSpec struct {
	Command     []string    `json:"command"`
	Environment []string    `json:"environment"`
	Directory   string      `json:"directory"`
	Hostname    string      `json:"hostname"`
	Scratch     string      `json:"scratch"`
	CPUInfo     string      `json:"cpuInfo"`
	Hosts       string      `json:"hosts"`
	Mounts      []mountSpec `json:"mounts"`
}

// Descriptors of the process that becomes the container.
const (
	specDescriptor  = 3 // the spec as JSON
	errorDescriptor = 4 // closed by a successful exec, else the reason why there was none
)

// statusStartError is what containerd's runtime reports for a process that could not be started.
const statusStartError = 128

// runContainer is the part of the program that turns into a container's process. It has been started in new
// namespaces (mount, uts, pid), makes the mounts and execs, so the pid stays the same.
func runContainer() int {
	unix.CloseOnExec(errorDescriptor)
	if err := becomeContainer(); err != nil {
		report := os.NewFile(errorDescriptor, "errors")
		fmt.Fprintln(report, err)
		return statusStartError
	}
	return 0
}

func becomeContainer() error {
	var spec processSpec
	input := os.NewFile(specDescriptor, "spec")
	if err := json.NewDecoder(input).Decode(&spec); err != nil {
		return fmt.Errorf("reading the container's specification: %w", err)
	}
	if err := input.Close(); err != nil {
		return err
	}
	if err := unix.Sethostname([]byte(spec.Hostname)); err != nil {
		return fmt.Errorf("setting the host name: %w", err)
	}
	mounter, err := newMounter(spec.Scratch)
	if err != nil {
		return err
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mounting /proc: %w", err)
	}
	mounts := spec.Mounts
	if spec.CPUInfo != "" {
		mounts = append(mounts, mountSpec{Source: spec.CPUInfo, Target: "/proc/cpuinfo"})
	}
	if spec.Hosts != "" {
		mounts = append(mounts, mountSpec{Source: spec.Hosts, Target: "/etc/hosts"})
	}
	if err := mounter.mountAll(mounts); err != nil {
		return err
	}
	if err := os.Chdir(spec.Directory); err != nil {
		return err
	}
	path, err := lookIn(spec.Command[0], spec.Environment)
	if err != nil {
		return err
	}
	return fmt.Errorf("exec %s: %w", path, syscall.Exec(path, spec.Command, spec.Environment))
}

// lookIn finds a program along the container's own PATH.
func lookIn(name string, environment []string) (string, error) {
	for _, row := range environment {
		if path, found := strings.CutPrefix(row, "PATH="); found {
			if err := os.Setenv("PATH", path); err != nil {
				return "", err
			}
		}
	}
	return exec.LookPath(name)
}

// runPause holds a pod's process namespace open for containers that share it, and reaps what they leave behind.
func runPause() int {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGCHLD)
	for received := range signals {
		if received != syscall.SIGCHLD {
			return 0
		}
		for {
			if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); pid <= 0 || err != nil {
				break
			}
		}
	}
	return 0
}
