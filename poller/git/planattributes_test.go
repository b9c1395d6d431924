package git

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/bittrance/kitops/poller/git/gittest"
)

// TestAttributesOfSubmodules puts one repository into a directory of another:
// the rules of each are for its own files only.
func TestAttributesOfSubmodules(t *testing.T) {
	r := gittest.New(t)
	inner := r.Bare("rev-parse", asIs(t, r, "", map[string]string{attributesName: "/x ident\n[attr]outer -ident\n", "x": "", "y": "", "deep/x": ""})+"^{tree}")
	blob := gittest.GitInput(t, r.Dir, "[attr]outer eol=crlf\n* outer\n/x -text\n", "hash-object", "-w", "--stdin")
	outer := rawTree(t, r, "100644", attributesName, blob, "160000", "sub", strings.Repeat("1", 40), "100644", "x", blob, "100644", "y", blob)
	s, err := openStore(r.Dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	read := s.reader().read
	p, err := makePlan(t.Context(), plumbing.NewHash(outer), read)
	if err == nil {
		err = p.fill(t.Context(), 1, plumbing.NewHash(inner), read)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, root := range []int32{1, 0} {
		if err := p.applyAttributes(t.Context(), root, read); err != nil {
			t.Fatal(err)
		}
	}
	found := map[string]convert{}
	for _, f := range p.files {
		if f.convert != 0 {
			found[p.filePath(f)] = f.convert
		}
	}
	if want := map[string]convert{attributesName: convertCRLF, "y": convertCRLF, "sub/x": convertIdent}; !maps.Equal(found, want) {
		t.Errorf("%v, want %v", found, want)
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
	p := &plan{dirs: []planDir{{}}}
	for i := range 1000 {
		p.dirs = append(p.dirs, planDir{parent: int32(i / 10), name: fmt.Sprintf("directory%d", i)})
		for j := range 50 {
			name := fmt.Sprintf("file%d.%s", j, []string{"go", "c", "md", "png", "json"}[j%5])
			p.files = append(p.files, planFile{dir: int32(i + 1), mode: modeFile, name: name})
		}
	}
	files := p.files
	for name, more := range map[string]string{"none": "", "text": "*.rs text\n", "filter": "*.psd filter=lfs -text\n", "crlf": "*.bat text eol=crlf\n"} {
		b.Run(name, func(b *testing.B) {
			p.files, p.attributes = files, nil
			if name != "none" {
				p.files, p.attributes = append(files[:len(files):len(files)], planFile{name: attributesName, mode: modeFile}), []int32{int32(len(files))}
			}
			blob := object{plumbing.BlobObject, []byte(common.String() + more)}
			read := func(plumbing.Hash) (object, error) { return blob, nil }
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
