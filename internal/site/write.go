package site

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Write puts the site into dir. All files are staged beside their places
// before the first one is moved: a disk that is full, or any other failure
// until then, leaves the old site as it was. Files that an earlier build wrote
// and this one did not are removed; files that no build wrote are never
// touched, and if one stands in the way nothing is written.
func (s *Site) Write(dir string) error {
	old, err := written(dir)
	if err != nil {
		return err
	}
	names := slices.Sorted(maps.Keys(s.Files))
	for _, name := range names {
		at := filepath.Join(dir, filepath.FromSlash(name))
		if info, err := os.Lstat(at); err == nil && !old[name] {
			what := "a file"
			if !info.Mode().IsRegular() {
				what = "something"
			}
			return fmt.Errorf("%s: there is %s of that name which authspec did not write: choose an empty folder", at, what)
		}
	}
	staged := map[string]string{} // place by staged file
	defer func() {
		for temp := range staged {
			_ = os.Remove(temp)
		}
	}()
	for _, name := range names {
		at := filepath.Join(dir, filepath.FromSlash(name))
		temp, err := stage(at, s.Files[name])
		if temp != "" {
			staged[temp] = at
		}
		if err != nil {
			return err
		}
	}
	for _, temp := range slices.Sorted(maps.Keys(staged)) {
		if err := os.Rename(temp, staged[temp]); err != nil {
			return err
		}
		delete(staged, temp)
	}
	for name := range old {
		if _, stays := s.Files[name]; !stays {
			_ = os.Remove(filepath.Join(dir, filepath.FromSlash(name))) // the next build tries again
		}
	}
	return nil
}

// stage writes a file beside its place. It is there to be read by others, so
// its mode follows the umask.
func stage(at string, content []byte) (temp string, err error) {
	if err := os.MkdirAll(filepath.Dir(at), 0o777); err != nil {
		return "", err
	}
	temp = filepath.Join(filepath.Dir(at), fmt.Sprintf(".authspec-%016x.tmp", rand.Uint64()))
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return "", err
	}
	_, err = f.Write(content)
	return temp, errors.Join(err, f.Close())
}

// written returns the files of dir that an earlier build wrote, as its own
// index lists them.
func written(dir string) (map[string]bool, error) {
	content, err := os.ReadFile(filepath.Join(dir, "index.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var index struct {
		Generator string
		Files     []string
	}
	if json.Unmarshal(content, &index) != nil || !strings.HasPrefix(index.Generator, generator+" ") {
		return nil, nil
	}
	files := map[string]bool{}
	for _, name := range index.Files {
		// The list is a file that anyone may have written.
		if filepath.IsLocal(filepath.FromSlash(name)) && path.Clean(name) == name {
			files[name] = true
		}
	}
	return files, nil
}
