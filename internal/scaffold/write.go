package scaffold

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/txtar"
)

// write makes the files in dir, all of them or none, and returns their names.
// It overwrites nothing.
func write(dir string, files []txtar.File) (names []string, err error) {
	var taken []string
	for _, f := range files {
		switch _, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(f.Name))); {
		case err == nil:
			taken = append(taken, f.Name)
		case !errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("%s: nothing was written: %w", dir, err)
		}
	}
	if len(taken) > 0 {
		return nil, fmt.Errorf("%s: nothing was written, for these files exist: %s", dir, strings.Join(taken, ", "))
	}
	var made []string // files and folders, in the order they were made
	defer func() {
		if err == nil {
			return
		}
		for i := len(made) - 1; i >= 0; i-- {
			_ = os.Remove(made[i]) // a folder that is in use by now stays
		}
		names, err = nil, fmt.Errorf("%s: nothing was written: %w", dir, err)
	}()
	for _, f := range files {
		file := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := makeFolders(filepath.Dir(file), &made); err != nil {
			return nil, err
		}
		if err := makeFile(file, f.Data, &made); err != nil {
			return nil, err
		}
		names = append(names, f.Name)
	}
	return names, nil
}

// makeFolders is os.MkdirAll that notes what it made.
func makeFolders(dir string, made *[]string) error {
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := makeFolders(filepath.Dir(dir), made); err != nil {
		return err
	}
	err := os.Mkdir(dir, 0o777)
	if errors.Is(err, fs.ErrExist) {
		return nil // someone else just made it
	}
	if err == nil {
		*made = append(*made, dir)
	}
	return err
}

func makeFile(name string, content []byte, made *[]string) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	*made = append(*made, name)
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}
