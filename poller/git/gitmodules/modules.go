package gitmodules

import (
	"fmt"
	"strings"
)

// The file, and how much of it is taken.
const (
	FileName = ".gitmodules"
	Max      = 1 << 20 // bytes
)

// Module is what .gitmodules says about a submodule, gitmodules(5). Of update,
// only that there shall be none counts; nothing in it is ever run.
type Module struct {
	Name string // of its directory in .git/modules
	path string
	Url  string
	None bool // update = none: it stays an empty directory
}

// Parse gives the submodules by their paths. Names and values that git
// ignores for what they could do are ignored; of what is twice, the last counts.
func Parse(data []byte) (map[string]*Module, error) {
	if len(data) > Max {
		return nil, fmt.Errorf("it is larger than %d bytes", Max)
	}
	names, paths := map[string]*Module{}, map[string]*Module{}
	err := parseConfig(data, func(e configEntry) error {
		name, ok := strings.CutPrefix(e.section, "submodule.")
		if !ok || !moduleName(name) {
			return nil
		}
		m := names[name]
		if m == nil {
			m = &Module{Name: name}
			names[name] = m
		}
		if !e.set && (e.key == "path" || e.key == "url" || e.key == "update") {
			return fmt.Errorf("%s has no value", e.key)
		}
		switch {
		case e.key == "update":
			m.None = e.value == "none"
		case strings.HasPrefix(e.value, "-"): // could be taken for an option
		case e.key == "url":
			m.Url = e.value
		case e.key == "path":
			delete(paths, m.path)
			m.path = e.value
			paths[m.path] = m
		}
		return nil
	})
	return paths, err
}

// moduleName says whether git takes the name: it is that of a directory, which
// is to stay below another.
func moduleName(name string) bool {
	for part := range strings.FieldsFuncSeq(name, func(r rune) bool { return r == '/' || r == '\\' }) {
		if part == ".." {
			return false
		}
	}
	return name != ""
}
