package settings

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// Sketch is the task that these flags describe. What the environment says about tasks is left aside.
func Sketch(environ []string, address, branch, action string) (Task, error) {
	all := NewOptions()
	given := map[string]string{"URL": address, "ACTION": action}
	if branch != "" {
		given["BRANCH"] = branch
	}
	s, _, err := all.with(given).Load(withoutTasks(environ))
	if err != nil {
		return Task{}, err
	}
	return s.Tasks[0], nil
}

// Preview is what a task file of this content would mean at that path.
func Preview(environ []string, path string, source []byte) (Settings, error) {
	all := NewOptions().with(map[string]string{"CONFIG_FILE": path})
	s, _, err := all.load(withoutTasks(environ), func(path string, flags Config) ([]Task, []RunnerSet, []error) {
		dir, err := filepath.Abs(filepath.Dir(path))
		if err != nil {
			return nil, nil, []error{fmt.Errorf("locate %s: %w", path, err)}
		}
		return parseTaskFile(path, dir, source, flags)
	})
	return s, err
}

// with gives values as flags would.
func (all Options) with(given map[string]string) Options {
	for key, value := range given {
		_ = all.ByKey(key).Set(value) // it never fails
	}
	return all
}

func withoutTasks(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return slices.Contains([]string{"URL", "BRANCH", "ACTION", "ACTION_FILE", "ENVIRONMENT", "CONFIG_FILE"}, strings.TrimPrefix(name, VariablePrefix))
	})
}
