package actions

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// locate finds the file of an entrypoint, as the action would: in its working
// directory and its PATH. Relative directories in PATH are passed over.
func locate(entrypoint, dir string, env []string) (string, error) {
	switch {
	case entrypoint == "":
		return "", errors.New("the action has no entrypoint")
	case filepath.IsAbs(entrypoint):
		return entrypoint, nil
	case filepath.Base(entrypoint) != entrypoint:
		return filepath.Join(dir, entrypoint), nil
	}
	path := lookup(env, "PATH")
	missing := fmt.Errorf("%w in PATH %q", exec.ErrNotFound, path)
	for _, dir := range filepath.SplitList(path) {
		if !filepath.IsAbs(dir) {
			continue
		}
		file, err := exec.LookPath(filepath.Join(dir, entrypoint))
		if err == nil {
			return file, nil
		}
		if errors.Is(err, fs.ErrPermission) {
			missing = fmt.Errorf("%s: %w", filepath.Join(dir, entrypoint), fs.ErrPermission)
		}
	}
	return "", missing
}

// explain says what the kernel's one error number leaves open: which of the
// files that take part in a start is missing or forbidden.
func explain(path string, o Options, err error) error {
	var failed *os.PathError
	if errors.As(err, &failed) {
		err = failed.Err
	}
	info, statErr := os.Stat(path)
	if statErr != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a file: %w", path, err)
	}
	interpreter := interpreterOf(path)
	if interpreter != "" && !filepath.IsAbs(interpreter) {
		interpreter = filepath.Join(o.Dir, interpreter)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist) && interpreter != "":
		return fmt.Errorf("%s asks for the interpreter %q: %w", path, interpreter, err)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s asks for a program loader that does not exist: %w", path, err)
	case errors.Is(err, fs.ErrPermission) && info.Mode()&0o111 == 0:
		return fmt.Errorf("%s is not executable (mode %v): %w", path, info.Mode().Perm(), err)
	case errors.Is(err, fs.ErrPermission) && o.User != nil:
		return fmt.Errorf("user %s may not run %s or not enter %s: %w", o.User.Name, path, o.Dir, err)
	case isNoExec(err):
		return fmt.Errorf("%s is no program for this machine, nor a script that begins with #!: %w", path, err)
	case interpreter != "":
		return fmt.Errorf("%s or its interpreter %q: %w", path, interpreter, err)
	}
	return fmt.Errorf("%s: %w", path, err)
}

// interpreterOf returns what stands behind #! in a script, else "".
func interpreterOf(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	head := make([]byte, 256) // the kernel reads no more
	n, _ := io.ReadFull(f, head)
	line, _, _ := bytes.Cut(head[:n], []byte("\n"))
	rest, ok := bytes.CutPrefix(line, []byte("#!"))
	if !ok {
		return ""
	}
	// Not strings.Fields: a carriage return belongs to the name the kernel looks for.
	name, _, _ := strings.Cut(strings.Trim(string(rest), " \t"), " ")
	name, _, _ = strings.Cut(name, "\t")
	return name
}
