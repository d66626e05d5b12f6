package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// payloadFile is one file of a Secret, ConfigMap, downward API or projected volume.
type payloadFile struct {
	data []byte
	mode fs.FileMode
}

const payloadLink = "..data"

// payloadWrite makes a volume's folder show exactly these files, as the kubelet lays them out: a folder per write,
// ..data pointing to it, exchanged by rename, and a link per top-level name. Readers see the old set or the new one.
// Returns whether anything changed.
func payloadWrite(directory string, files map[string]payloadFile) (bool, error) {
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return false, err
	}
	link := filepath.Join(directory, payloadLink)
	previous, err := os.Readlink(link)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	if previous != "" && payloadEqual(filepath.Join(directory, previous), files) {
		return false, nil
	}
	fresh, err := os.MkdirTemp(directory, "..version-")
	if err != nil {
		return false, err
	}
	if err := payloadFill(fresh, files); err != nil {
		return false, errors.Join(err, os.RemoveAll(fresh))
	}
	pending := filepath.Join(directory, "..data_tmp")
	_ = os.Remove(pending)
	if err := os.Symlink(filepath.Base(fresh), pending); err != nil {
		return false, err
	}
	if err := os.Rename(pending, link); err != nil {
		return false, err
	}
	if err := payloadLinks(directory, files); err != nil {
		return false, err
	}
	if previous != "" {
		return true, os.RemoveAll(filepath.Join(directory, previous))
	}
	return true, nil
}

func payloadFill(directory string, files map[string]payloadFile) error {
	if err := os.Chmod(directory, 0o755); err != nil {
		return err
	}
	for name, file := range files {
		if !filepath.IsLocal(name) || strings.HasPrefix(name, "..") {
			return fmt.Errorf("the path %q leaves the volume", name)
		}
		path := filepath.Join(directory, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, file.data, file.mode); err != nil {
			return err
		}
		if err := os.Chmod(path, file.mode); err != nil {
			return err
		}
	}
	return nil
}

// payloadLinks makes the top-level names link into ..data, and removes the links of names that are gone.
func payloadLinks(directory string, files map[string]payloadFile) error {
	wanted := map[string]bool{}
	for name := range files {
		top, _, _ := strings.Cut(filepath.Clean(name), "/")
		wanted[top] = true
	}
	entries, err := os.ReadDir(directory)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), "..") {
			continue
		}
		if wanted[entry.Name()] {
			delete(wanted, entry.Name())
		} else if err := os.RemoveAll(filepath.Join(directory, entry.Name())); err != nil {
			return err
		}
	}
	for name := range wanted {
		if err := os.Symlink(filepath.Join(payloadLink, name), filepath.Join(directory, name)); err != nil {
			return err
		}
	}
	return nil
}

func payloadEqual(directory string, files map[string]payloadFile) bool {
	count := 0
	err := filepath.WalkDir(directory, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		count++
		name, err := filepath.Rel(directory, path)
		if err != nil {
			return err
		}
		file, found := files[name]
		if !found {
			return fs.ErrNotExist
		}
		data, err := os.ReadFile(path)
		if err == nil && !bytes.Equal(data, file.data) {
			return fs.ErrInvalid
		}
		return err
	})
	return err == nil && count == len(files)
}
