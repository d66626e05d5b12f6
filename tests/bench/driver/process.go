package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// memory is what one process holds, in bytes, as the kernel counts it.
type memory struct {
	RSS       int64 `json:"rss"`
	Anonymous int64 `json:"anonymous"`
	// PSS shares what several processes map; 0 where it may not be read.
	PSS int64 `json:"pss,omitempty"`
}

// rows reads a file of /proc with lines "Name: VALUE kB"; values in bytes.
func rows(path string) (map[string]int64, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	result := map[string]int64{}
	for line := range strings.Lines(string(text)) {
		name, rest, _ := strings.Cut(line, ":")
		value, isKilobytes := strings.CutSuffix(strings.TrimSpace(rest), " kB")
		if number, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64); err == nil {
			if isKilobytes {
				number *= 1024
			}
			result[name] = number
		}
	}
	return result, nil
}

func memoryOf(pid int) (memory, error) {
	status, err := rows(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return memory{}, err
	}
	result := memory{RSS: status["VmRSS"], Anonymous: status["RssAnon"]}
	if rollup, err := rows(fmt.Sprintf("/proc/%d/smaps_rollup", pid)); err == nil {
		result.PSS = rollup["Pss"]
	}
	return result, nil
}

// statFields are those of /proc/PID/stat from the state on, behind the name, which may hold anything.
func statFields(pid int) (name string, fields []string, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", nil, err
	}
	opening, closing := strings.IndexByte(string(text), '('), strings.LastIndexByte(string(text), ')')
	if opening < 0 || closing < opening {
		return "", nil, fmt.Errorf("/proc/%d/stat cannot be read", pid)
	}
	fields = strings.Fields(string(text[closing+1:]))
	if len(fields) < 13 {
		return "", nil, fmt.Errorf("/proc/%d/stat is short", pid)
	}
	return string(text[opening+1 : closing]), fields, nil
}

const ticksPerSecond = 100 // USER_HZ: fixed on every architecture that matters

// cpuSeconds is what all threads of the process have used, in user and kernel.
func cpuSeconds(pid int) (float64, error) {
	_, fields, err := statFields(pid)
	if err != nil {
		return 0, err
	}
	user, err := strconv.ParseInt(fields[11], 10, 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseInt(fields[12], 10, 64)
	return float64(user+system) / ticksPerSecond, err
}

// descendants finds the processes of that name under an ancestor. Other runs' processes of the same name are not ours.
func descendants(ancestor int, name string) ([]int, error) {
	folders, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil, err
	}
	parents := map[int]int{}
	var named []int
	for _, folder := range folders {
		pid, err := strconv.Atoi(filepath.Base(folder))
		if err != nil {
			continue
		}
		comm, fields, err := statFields(pid)
		if err != nil {
			continue // it has ended meanwhile
		}
		if parents[pid], err = strconv.Atoi(fields[1]); err == nil && comm == name {
			named = append(named, pid)
		}
	}
	var result []int
	for _, pid := range named {
		for at := parents[pid]; at > 1; at = parents[at] {
			if at == ancestor {
				result = append(result, pid)
				break
			}
		}
	}
	if len(result) == 0 {
		return nil, fmt.Errorf("no process %s under pid %d", name, ancestor)
	}
	return result, nil
}

// operatorPID is the one operator of this world.
func (b *bench) operatorPID() (int, error) {
	pids, err := descendants(b.options.nodesPID, "proget-operator")
	if err != nil {
		return 0, err
	}
	if len(pids) != 1 {
		return 0, fmt.Errorf("%d operators run", len(pids))
	}
	return pids[0], nil
}

// takeMemory notes what each program holds now. Of the sidecars the largest counts.
func (b *bench) takeMemory(when string) error {
	moment := memoryMoment{When: when}
	pid, err := b.operatorPID()
	if err != nil {
		return err
	}
	if moment.Operator, err = memoryOf(pid); err != nil {
		return err
	}
	sidecars, err := descendants(b.options.nodesPID, "proget-sidecar")
	if err != nil {
		return err
	}
	for _, pid := range sidecars {
		one, err := memoryOf(pid)
		if err != nil {
			return err
		}
		if one.RSS > moment.Sidecar.RSS {
			moment.Sidecar = one
		}
	}
	if moment.Peer, err = memoryOf(b.peerProcess.command.Process.Pid); err != nil {
		return err
	}
	b.report.Memory = append(b.report.Memory, moment)
	return nil
}
