package settings

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/bittrance/kitops/poller/git"
)

// tags are names and patterns of tags, or which versions count.
type tags struct {
	texts
	versions section[versionKeys]
}

// versionKeys select the highest version among tags.
type versionKeys struct {
	Range      text    `key:"semver" need:"yes" help:"The range that it is in, such as >=1 <2, or * for every version."`
	Match      text    `key:"match" default:"every tag" help:"How the tags are named, with one * for the version, such as api/v*."`
	Prerelease boolean `key:"prerelease" default:"false" help:"Whether 1.0.0-rc.1 is a version, too."`
}

func (t *tags) read(f taskFile, n ast.Node, k key) {
	if _, ok := f.Value(n).(*ast.MappingNode); ok {
		t.versions.place = place{node: n, given: true}
		t.versions.read(f, n, k)
		f.require(&t.versions.keys, t.versions.body, k.name)
		return
	}
	t.texts.read(f, n, k)
}

func (t *tags) shown() any {
	if t.versions.given {
		return t.versions.shown()
	}
	return t.all()
}

func (t *tags) inherit(from keyed) { take(t, from.(*tags)) }

func (t *tags) words() string { return "list of texts, or mapping" }

func (t *tags) schema(k key, common bool) schema {
	return schema{"anyOf": []schema{t.texts.schema(k, common), schemaOf(reflect.TypeFor[versionKeys](), false)}}
}

// tags makes patterns for full names of tags, and says which of them are versions.
func (f taskFile) tags(keys *tags) (git.Patterns, *git.Versions) {
	if v := &keys.versions.keys; keys.versions.given {
		if v.Range.value == "" {
			return nil, nil
		}
		versions, err := git.NewVersions(v.Range.value, v.Match.value, v.Prerelease.value)
		if err != nil {
			f.judge(keys.versions.node, "tags", err)
			return nil, nil
		}
		return versions.Patterns(), versions
	}
	before := len(f.Mistakes)
	var refs git.Patterns
	for _, entry := range keys.entries {
		if entry.value == "" {
			continue
		}
		ref, err := tagPattern(entry.value)
		f.judge(entry.node, "tag", err)
		refs = append(refs, ref)
	}
	if len(f.Mistakes) == before && len(refs) > 0 {
		f.judge(keys.node, "tags", validRefs(refs))
	}
	return refs, nil
}

func tagPattern(tag string) (string, error) {
	name, excluded := strings.CutPrefix(tag, "!")
	switch {
	case strings.HasPrefix(name, "refs/tags/"):
	case strings.HasPrefix(name, "refs/"):
		return "", fmt.Errorf("%q is no tag", name)
	case strings.HasPrefix(name, "tags/"):
		return "", fmt.Errorf("%q: leave out tags/ (a tag of this name is refs/tags/%s)", name, name)
	default:
		name = "refs/tags/" + name
	}
	if err := (git.Patterns{name}).Validate(); err != nil {
		return "", err
	}
	if excluded {
		return "!" + name, nil
	}
	return name, nil
}

// shownTags are those of a task as a task file has them.
func (t Task) shownTags() tags {
	if v := t.Versions; v != nil {
		keys := versionKeys{Range: text{given(), v.Range}, Match: text{given(), v.Match}}
		if v.Prerelease {
			keys.Prerelease = boolean{given(), true}
		}
		return tags{texts{place: given()}, section[versionKeys]{place: given(), keys: keys}}
	}
	var names []string
	for _, ref := range t.Refs {
		if isTag(ref) {
			names = append(names, strings.Replace(ref, "refs/tags/", "", 1))
		}
	}
	if names == nil {
		return tags{}
	}
	return tags{texts: shownTexts(names)}
}

// isTag tells whether a pattern is one of tags.
func isTag(pattern string) bool {
	return strings.HasPrefix(strings.TrimPrefix(pattern, "!"), "refs/tags/")
}
