package worktree

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/attributes"
	"github.com/bittrance/kitops/poller/git/convert"
	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/odb"
)

// TestAttributesOfSubmodules puts one repository into a directory of another:
// the rules of each are for its own files only.
func TestAttributesOfSubmodules(t *testing.T) {
	r := gittest.New(t)
	inner := r.Bare("rev-parse", gittest.AsIs(t, r, "", map[string]string{attributes.FileName: "/x ident\n[attr]outer -ident\n", "x": "", "y": "", "deep/x": ""})+"^{tree}")
	blob := gittest.GitInput(t, r.Dir, "[attr]outer eol=crlf\n* outer\n/x -text\n", "hash-object", "-w", "--stdin")
	outer := gittest.RawTree(t, r, "100644", attributes.FileName, blob, "160000", "sub", strings.Repeat("1", 40), "100644", "x", blob, "100644", "y", blob)
	s, err := odb.Open(r.Dir, object.SHA1)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	read := s.Reader().Read
	p, err := makePlan(t.Context(), idOf(t, outer), read)
	if err == nil {
		err = p.Fill(t.Context(), 1, idOf(t, inner), read)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, root := range []int32{1, 0} {
		if err := p.ApplyAttributes(t.Context(), root, read); err != nil {
			t.Fatal(err)
		}
	}
	found := map[string]convert.Conversion{}
	for _, f := range p.Files {
		if f.Convert != 0 {
			found[p.FilePath(f)] = f.Convert
		}
	}
	if want := map[string]convert.Conversion{attributes.FileName: convert.CRLF, "y": convert.CRLF, "sub/x": convert.Ident}; !maps.Equal(found, want) {
		t.Errorf("%v, want %v", found, want)
	}
}

// TestAttributesOfLinks converts files here and leaves links alone.
func TestAttributesOfLinks(t *testing.T) {
	r := gittest.New(t)
	sha := gittest.AsIs(t, r, "", map[string]string{attributes.FileName: "* text eol=crlf\n", "a.bat": "a\nb\n", "b": "", ">link": "a.bat"})
	p := planned(t, r, sha, nativeCRLF)
	if len(p.Files) != 4 {
		t.Fatalf("%d files", len(p.Files))
	}
	for _, f := range p.Files {
		if (f.Convert == convert.CRLF) == (f.Mode == object.ModeSymlink) {
			t.Errorf("%s: %d", f.Name, f.Convert)
		}
	}
}

// BenchmarkPlanAttributes has 50,000 files in 1,000 directories below one file of
// attributes: one that converts nothing here, one that leaves a filter, and one
// that converts.
func BenchmarkPlanAttributes(b *testing.B) {
	var common strings.Builder
	common.WriteString("# what many repositories have\n* text=auto\n*.sh text eol=lf\nLICENSE text\n/docs/** linguist-documentation\nvendor/** linguist-vendored\n")
	for _, ext := range strings.Fields("png jpg gif ico woff woff2 ttf pdf zip gz jar") {
		common.WriteString("*." + ext + " binary\n")
	}
	common.WriteString("*.go diff=golang text\n*.[ch] diff=cpp\n")
	p := &Plan{Dirs: []PlanDir{{}}}
	for i := range 1000 {
		p.Dirs = append(p.Dirs, PlanDir{parent: int32(i / 10), name: fmt.Sprintf("directory%d", i)})
		for j := range 50 {
			name := fmt.Sprintf("file%d.%s", j, []string{"go", "c", "md", "png", "json"}[j%5])
			p.Files = append(p.Files, PlanFile{Dir: int32(i + 1), Mode: object.ModeFile, Name: name})
		}
	}
	files := p.Files
	for name, more := range map[string]string{"none": "", "text": "*.rs text\n", "filter": "*.psd filter=lfs -text\n", "crlf": "*.bat text eol=crlf\n"} {
		b.Run(name, func(b *testing.B) {
			p.Files, p.attributes = files, nil
			if name != "none" {
				p.Files, p.attributes = append(files[:len(files):len(files)], PlanFile{Name: attributes.FileName, Mode: object.ModeFile}), []int32{int32(len(files))}
			}
			blob := object.Object{Kind: object.KindBlob, Data: []byte(common.String() + more)}
			read := func(object.ID) (object.Object, error) { return blob, nil }
			b.ReportAllocs()
			for b.Loop() {
				if err := p.applyAttributesAs(b.Context(), 0, read, false); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(files)), "ns/file")
		})
	}
}

func idOf(tb testing.TB, hex string) object.ID {
	tb.Helper()
	id, ok := object.ParseID(hex)
	if !ok {
		tb.Fatalf("%q is no name", hex)
	}
	return id
}
