package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// prose is a page without its code, which is no text with links and headings.
func prose(text string) string {
	text = regexp.MustCompile("(?ms)^ *```.*?^ *```$").ReplaceAllString(text, "")
	return regexp.MustCompile("`([^`\n]*)`").ReplaceAllString(text, "$1")
}

// anchors are those that GitHub gives to the headings of a page.
func anchors(text string) map[string]bool {
	found, unspoken := map[string]bool{}, regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(prose(text), -1) {
		slug := unspoken.ReplaceAllString(strings.ToLower(heading[1]), "")
		slug = strings.ReplaceAll(slug, " ", "-")
		once := slug
		for n := 1; found[once]; n++ {
			once = fmt.Sprintf("%s-%d", slug, n)
		}
		found[once] = true
	}
	return found
}

// TestDocsLinksLead has every link and every anchor of every page lead somewhere
// within the project, and every make target exist.
func TestDocsLinksLead(t *testing.T) {
	makefile := document(t, "Makefile")
	links, found := 0, map[string]map[string]bool{} // anchors by page
	for _, path := range pages(t) {
		text := document(t, path)
		for _, target := range words(text, "(?m)(?:`|^)make (?:-C \\S+ )?([a-z0-9]+)(?:`|$)") {
			if target != "all" && !strings.Contains(makefile, "\n"+target+":") { // all is of the users' makefiles
				t.Errorf("%s: no make %s", path, target)
			}
		}
		for _, link := range words(prose(text), `\]\(([^)]+)\)`) {
			if strings.Contains(link, "://") {
				continue
			}
			links++
			file, anchor, _ := strings.Cut(link, "#")
			at := path
			if file != "" {
				at = filepath.Join(filepath.Dir(path), file)
			}
			if _, err := os.Stat(filepath.Join("../..", at)); err != nil {
				t.Errorf("%s: %s leads nowhere", path, link)
				continue
			}
			if anchor != "" && found[at] == nil {
				found[at] = anchors(document(t, at))
			}
			if anchor != "" && !found[at][anchor] {
				t.Errorf("%s: %s has no such heading", path, link)
			}
		}
	}
	if links < 100 {
		t.Errorf("only %d links", links)
	}
}

// TestDocsAreAllReached has README lead to every page, by way of others.
func TestDocsAreAllReached(t *testing.T) {
	reached := map[string]bool{}
	var follow func(path string)
	follow = func(path string) {
		if reached[path] || !strings.HasSuffix(path, ".md") {
			return
		}
		reached[path] = true
		for _, link := range words(prose(document(t, path)), `\]\(([^)#:]+)(?:#[^)]*)?\)`) {
			follow(filepath.Join(filepath.Dir(path), link))
		}
	}
	follow("README.md")
	for _, path := range pages(t) {
		if !reached[path] && !strings.HasPrefix(path, ".github/") {
			t.Errorf("no link leads to %s", path)
		}
	}
}

// TestDocsReadmeIsShort holds README to what is read in some minutes, and its
// picture to what any viewer shows.
func TestDocsReadmeIsShort(t *testing.T) {
	if lines := strings.Count(document(t, "README.md"), "\n"); lines > 250 {
		t.Errorf("README has %d lines", lines)
	}
	picture := document(t, "docs/kitops.svg")
	for _, want := range []string{"<title", "<desc", "prefers-color-scheme: dark", `class="panel"`} {
		if !strings.Contains(picture, want) {
			t.Errorf("the picture has no %s", want)
		}
	}
	for _, never := range []string{"href", "url(", "@import", "<script", "<image", "<foreignObject"} {
		if strings.Contains(picture, never) {
			t.Errorf("the picture has %s", never)
		}
	}
}

// sources is the program's own code in one text.
func sources(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	err := fs.WalkDir(os.DirFS("../.."), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		data, err := os.ReadFile(filepath.Join("../..", path))
		all.Write(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// TestDocsQuoteMessages has the messages that troubleshooting explains be those
// of the program, but for what the system and other programs say.
func TestDocsQuoteMessages(t *testing.T) {
	said := sources(t)
	others := map[string]bool{"exit status 126": true, "exit status 127": true, "permission denied": true, "not found": true, "not a git repository": true, "sudo": true, "attempt": true}
	quotes := 0
	for line := range strings.Lines(document(t, "docs/troubleshooting.md")) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 {
			continue
		}
		for _, quote := range words(cells[1], "`([^`]+)`") {
			if strings.HasPrefix(quote, "--") || others[quote] {
				continue
			}
			quotes++
			if !strings.Contains(said, quote) {
				t.Errorf("the program never says %q", quote)
			}
		}
	}
	if quotes < 40 {
		t.Errorf("only %d messages", quotes)
	}
}

// TestDocsNamePlacesInTheCode has every file and folder of the code that a page
// names exist.
func TestDocsNamePlacesInTheCode(t *testing.T) {
	places := 0
	for _, path := range []string{"CONTRIBUTING.md", "docs/architecture.md", "docs/security.md"} {
		for _, place := range words(document(t, path), `\b((?:poller|app|webhook|status|actions|cmd)/(?:[\w-]+/)*(?:[\w-]+\.(?:go|txt)|[\w-]+)?)`) {
			places++
			if _, err := os.Stat(filepath.Join("../..", place)); err != nil {
				t.Errorf("%s: there is no %s", path, place)
			}
		}
	}
	if places < 60 {
		t.Errorf("only %d places", places)
	}
}
