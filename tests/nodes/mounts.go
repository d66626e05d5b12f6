package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// mountSpec makes Source appear at Target in one container.
type mountSpec struct {
	Source   string `json:"source"`
	Target   string `json:"target"`
	ReadOnly bool   `json:"readOnly"`
}

const mimicEntriesMax = 4096

// mounter makes mounts in the calling process' own mount namespace. Where a mount point does not exist, the closest
// folder that does is replaced, in this namespace alone, by a tmpfs that shows the same entries (bind mounts) and has
// room for new ones: nothing is ever created on the machine's own file systems.
type mounter struct {
	scratch string          // an existing folder where a new root may be mounted
	own     map[string]bool // folders in which entries may be created: they are ours alone
	volumes []string        // what has been mounted so far
}

func newMounter(scratch string) (*mounter, error) {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return nil, fmt.Errorf("making mounts private: %w", err)
	}
	return &mounter{scratch: scratch, own: map[string]bool{}}, nil
}

// mountAll mounts parents before what lies beneath them. Sources are opened first: a mount may hide a later source.
func (m *mounter) mountAll(mounts []mountSpec) error {
	sort.SliceStable(mounts, func(i, j int) bool { return len(mounts[i].Target) < len(mounts[j].Target) })
	sources := make([]int, len(mounts))
	for i, mount := range mounts {
		var err error
		if sources[i], err = unix.Open(mount.Source, unix.O_PATH|unix.O_CLOEXEC, 0); err != nil {
			return fmt.Errorf("opening %s: %w", mount.Source, err)
		}
	}
	if m.needsRoot(mounts) {
		if err := m.newRoot(); err != nil {
			return fmt.Errorf("making a root with new folders: %w", err)
		}
	}
	for i, mount := range mounts {
		if err := m.mountOne(sources[i], mount); err != nil {
			return fmt.Errorf("mounting %s: %w", mount.Target, err)
		}
		_ = unix.Close(sources[i])
	}
	return nil
}

// needsRoot tells whether a mount's first folder does not exist.
func (m *mounter) needsRoot(mounts []mountSpec) bool {
	for _, mount := range mounts {
		top, _, _ := strings.Cut(strings.TrimPrefix(filepath.Clean(mount.Target), "/"), "/")
		if _, err := os.Lstat("/" + top); errors.Is(err, fs.ErrNotExist) {
			return true
		}
	}
	return false
}

func (m *mounter) mountOne(source int, mount mountSpec) error {
	var stat unix.Stat_t
	if err := unix.Fstat(source, &stat); err != nil {
		return err
	}
	target, err := m.target(filepath.Clean(mount.Target), stat.Mode&unix.S_IFMT == unix.S_IFDIR)
	if err != nil {
		return err
	}
	if err := unix.Mount(descriptorPath(source), target, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return err
	}
	m.volumes = append(m.volumes, target)
	if !mount.ReadOnly {
		return nil
	}
	var system unix.Statfs_t
	if err := unix.Statfs(target, &system); err != nil {
		return err
	}
	// Flags that the outer namespace locked have to be repeated.
	kept := uintptr(system.Flags) & (unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC | unix.MS_RELATIME | unix.MS_NOATIME)
	return unix.Mount("", target, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY|kept, "")
}

// target returns the mount point without symbolic links, made where it does not exist.
func (m *mounter) target(path string, directory bool) (string, error) {
	current := "/"
	names := strings.Split(strings.TrimPrefix(path, "/"), "/")
	for i, name := range names {
		next := filepath.Join(current, name)
		resolved, err := filepath.EvalSymlinks(next)
		if err == nil {
			current = resolved
			continue
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		if !m.mayCreate(current) {
			if err := m.mimic(current, current); err != nil {
				return "", err
			}
		}
		if i == len(names)-1 && !directory {
			return next, os.WriteFile(next, nil, 0o644)
		}
		if err := os.Mkdir(next, 0o755); err != nil {
			return "", err
		}
		m.own[next] = true
		current = next
	}
	return current, nil
}

// mayCreate: a folder of our own, or one inside a volume of this pod, where the kubelet would create it too.
func (m *mounter) mayCreate(directory string) bool {
	if m.own[directory] {
		return true
	}
	for _, volume := range m.volumes {
		if directory == volume || strings.HasPrefix(directory, volume+"/") {
			return true
		}
	}
	return false
}

func (m *mounter) newRoot() error {
	if err := m.mimic("/", m.scratch); err != nil {
		return err
	}
	if err := unix.Chroot(m.scratch); err != nil {
		return err
	}
	m.own = map[string]bool{"/": true}
	return os.Chdir("/")
}

// mimic mounts a tmpfs at `at` that shows the entries of the folder `original`.
func (m *mounter) mimic(original, at string) error {
	descriptor, err := unix.Open(original, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(descriptor)
	entries, err := os.ReadDir(original)
	if err != nil {
		return err
	}
	if len(entries) > mimicEntriesMax {
		return fmt.Errorf("%s has %d entries, too many to show beside a new one", original, len(entries))
	}
	if err := unix.Mount("tmpfs", at, "tmpfs", 0, "mode=755"); err != nil {
		return fmt.Errorf("tmpfs on %s: %w", at, err)
	}
	for _, entry := range entries {
		if err := mimicEntry(filepath.Join(descriptorPath(descriptor), entry.Name()), filepath.Join(at, entry.Name()), entry); err != nil {
			return fmt.Errorf("showing %s: %w", filepath.Join(original, entry.Name()), err)
		}
	}
	m.own[at] = true
	return nil
}

func mimicEntry(from, to string, entry fs.DirEntry) error {
	var err error
	switch {
	case entry.Type()&fs.ModeSymlink != 0:
		var link string
		if link, err = os.Readlink(from); err == nil {
			err = os.Symlink(link, to)
		}
		return err
	case entry.IsDir():
		err = os.Mkdir(to, 0o755)
	default:
		err = os.WriteFile(to, nil, 0o644)
	}
	if err != nil {
		return err
	}
	err = unix.Mount(from, to, "", unix.MS_BIND|unix.MS_REC, "")
	if errors.Is(err, fs.ErrNotExist) {
		return nil // gone since the folder was read
	}
	return err
}

func descriptorPath(descriptor int) string { return "/proc/self/fd/" + strconv.Itoa(descriptor) }
