// Package atomicfile writes files that appear whole or not at all.
package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// Write puts b into the file at once: readers see the old content or the new,
// never a part. Missing folders are made; an existing file keeps its
// permissions. A link is followed. What is not a regular file (/dev/stdout, a
// named pipe) is written to, since it must not be replaced.
func Write(file string, b []byte) error {
	return WriteWith(file, func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	})
}

// WriteWith is Write for what is too long to be held: write is called once.
// When it fails, an old file stays as it was.
func WriteWith(file string, write func(io.Writer) error) error {
	if target, err := filepath.EvalSymlinks(file); err == nil {
		file = target
	}
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			return err
		}
		return swap(file, write, nil)
	case err != nil:
		return err
	case info.IsDir():
		return fmt.Errorf("%s is a folder, name a file in it", file)
	case !info.Mode().IsRegular():
		return pour(file, write)
	}
	return swap(file, write, info)
}

// swap writes a new file beside the old one and renames it. Not os.CreateTemp:
// its mode is 0600 whatever the umask, and other users of a CI machine read
// reports.
func swap(file string, write func(io.Writer) error, old fs.FileInfo) (err error) {
	temp := filepath.Join(filepath.Dir(file), fmt.Sprintf(".authspec-%016x.tmp", rand.Uint64()))
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(temp)
		}
	}()
	if old != nil {
		if err := f.Chmod(old.Mode().Perm()); err != nil {
			return err
		}
	}
	if err := write(f); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(temp, file)
}

func pour(file string, write func(io.Writer) error) error {
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}
