package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// machineUID is what an activation belongs to: the CPU's identity and the product's major version.
func machineUID(cpuInfo string, v version) (string, error) {
	text, err := os.ReadFile(cpuInfo)
	if err != nil {
		return "", err
	}
	fields := map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, value, found := strings.Cut(line, ":")
		if _, seen := fields[strings.TrimSpace(name)]; found && !seen {
			fields[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	names := []string{"vendor_id", "cpu family", "model", "stepping"}
	if fields["CPU implementer"] != "" {
		names = []string{"CPU implementer", "CPU architecture", "CPU variant", "CPU part", "CPU revision"}
	}
	identity := fmt.Sprintf("%d", v.year())
	for _, name := range names {
		identity += "/" + fields[name]
	}
	sum := sha256.Sum256([]byte(identity))
	return hex.EncodeToString(sum[:8]), nil
}

// activated tells whether this machine is known; without a folder every machine is.
func (s *settings) activated() (bool, string, error) {
	uid, err := machineUID(s.cpuInfo, s.version)
	if err != nil || s.activations == "" {
		return err == nil, uid, err
	}
	_, err = os.Stat(filepath.Join(s.activations, uid))
	if os.IsNotExist(err) {
		return false, uid, nil
	}
	return err == nil, uid, err
}

// activate makes the machine known from now on, or unknown again.
func (s *settings) activate(active bool) error {
	uid, err := machineUID(s.cpuInfo, s.version)
	if err != nil || s.activations == "" {
		return err
	}
	path := filepath.Join(s.activations, uid)
	if !active {
		if err := os.Remove(path); !os.IsNotExist(err) {
			return err
		}
		return nil
	}
	return os.WriteFile(path, []byte(s.version.release+"\n"), 0o644)
}
