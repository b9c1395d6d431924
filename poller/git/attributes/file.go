package attributes

import (
	"strings"
)

// File are the rules of one directory that matter, found by what they
// are for. Each list of rules is in the order of the file.
type File struct {
	above *File // of the nearest directory above that has one; nil: none
	depth int   // bytes of the path of its directory, with a slash behind it
	rules []Rule
	Live  bool // it or one above can change how a file is written

	names    map[string][]int32 // by the name of the file
	paths    map[string][]int32 // by its path below the directory
	suffixes map[string][]int32 // *x.y, by .y
	others   []int32            // to be tried
}

func newAttributesFile(above *File, depth int, rules []Rule) *File {
	f := &File{above: above, depth: depth, rules: rules}
	f.names, f.paths, f.suffixes = map[string][]int32{}, map[string][]int32{}, map[string][]int32{}
	for i, r := range rules {
		number := int32(i)
		switch plain := !strings.ContainsAny(r.pattern, `*?[\`); {
		case plain && r.path:
			f.paths[r.pattern] = append(f.paths[r.pattern], number)
		case plain:
			f.names[r.pattern] = append(f.names[r.pattern], number)
		case r.endsName() && strings.Contains(r.pattern, "."):
			last := r.pattern[strings.LastIndexByte(r.pattern, '.'):]
			f.suffixes[last] = append(f.suffixes[last], number)
		default:
			f.others = append(f.others, number)
		}
	}
	return f
}

// endsName says whether a pattern is for names that end in what follows its *.
func (r Rule) endsName() bool {
	return !r.path && r.pattern[0] == '*' && !strings.ContainsAny(r.pattern[1:], `*?[\`)
}

// candidates are the rules that may match a file, last ones first.
type candidates [4][]int32

// candidates of a file, whose name begins at base in path.
func (f *File) candidates(path []byte, base int) candidates {
	c := candidates{nil, nil, nil, f.others}
	name := path[base:]
	if len(f.names) > 0 {
		c[0] = f.names[string(name)]
	}
	if len(f.paths) > 0 {
		c[1] = f.paths[string(path[f.depth:])]
	}
	if len(f.suffixes) > 0 {
		for i := len(name) - 1; i >= 0; i-- {
			if name[i] == '.' {
				c[2] = f.suffixes[string(name[i:])]
				break
			}
		}
	}
	return c
}

// next takes the one that stands last in the file. It is sure if nothing else
// has to be compared.
func (c *candidates) next() (number int32, sure, ok bool) {
	number = -1
	from := 0
	for i, list := range c {
		if n := len(list); n > 0 && list[n-1] > number {
			number, from = list[n-1], i
		}
	}
	if number < 0 {
		return 0, false, false
	}
	c[from] = c[from][:len(c[from])-1]
	return number, from < 2, true
}
