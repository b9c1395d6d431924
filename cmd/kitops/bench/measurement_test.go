//go:build unix

package bench_test

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/bittrance/kitops/poller/git/gittest"
)

// samples is how many medians are made of, at least.
const samples = 7

// sample is what a command took.
type sample struct {
	wall, cpu time.Duration
	rss       int64 // KiB, of its largest process
}

// series is the samples of one side.
type series []sample

func (s series) median(of func(sample) float64) float64 {
	values := make([]float64, len(s))
	for i, one := range s {
		values[i] = of(one)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

func wallMS(s sample) float64 { return float64(s.wall.Microseconds()) / 1000 }
func cpuMS(s sample) float64  { return float64(s.cpu.Microseconds()) / 1000 }
func rssMB(s sample) float64  { return float64(s.rss) / 1024 }

// workbench is where both sides are measured.
type workbench struct {
	dir, kitops, rusage string
	checkout            string        // the program of testdata/checkout
	small, large        *gittest.Repo // large has 1,000 files
	rows                []row
}

// row compares one figure of both sides.
type row struct {
	title, unit string
	kitops, git float64
}

// ramTB makes its directories in memory where there are such, so that no disk is measured.
type ramTB struct{ *testing.B }

func (tb ramTB) TempDir() string {
	tb.Helper()
	const shm = "/dev/shm"
	if info, err := os.Stat(shm); err != nil || !info.IsDir() {
		return tb.B.TempDir()
	}
	dir, err := os.MkdirTemp(shm, "kitops-bench-*")
	if err != nil {
		return tb.B.TempDir()
	}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	_ = os.Chmod(dir, 0o711) // for the user of the actions
	return dir
}

func newWorkbench(b *testing.B) *workbench {
	b.Helper()
	tb := ramTB{b}
	w := &workbench{dir: tb.TempDir(), kitops: os.Getenv("KITOPS_BENCH"), small: gittest.New(tb), large: gittest.New(tb)}
	w.rusage = filepath.Join(w.dir, "rusage")
	build(b, w.rusage, "./testdata/rusage")
	if w.kitops == "" {
		w.kitops = filepath.Join(w.dir, "kitops")
		build(b, w.kitops, "..")
	}
	w.small.Commit(map[string]string{"README": "small\n", "deploy.sh": "#!/bin/sh\n"})
	files := map[string]string{}
	for i := range 1000 {
		text := fmt.Sprintf("line of file %d\n", i)
		files[fmt.Sprintf("dir%02d/file%04d.txt", i%50, i)] = strings.Repeat(text, 1+i%400)
	}
	w.large.Commit(files)
	return w
}

// actionUser are the arguments that give actions a user of their own: as root, files are not moved from run to run.
func actionUser() []string {
	if os.Geteuid() != 0 {
		return nil
	}
	return []string{"--action-user", "nobody"}
}

func build(b *testing.B, binary, pkg string) {
	b.Helper()
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("build %s: %v\n%s", pkg, err, out)
	}
}

// command is one that is measured when it is waited for by took.
func (w *workbench) command(args ...string) *exec.Cmd {
	cmd := exec.Command(w.rusage, append([]string{filepath.Join(w.dir, "usage")}, args...)...)
	cmd.Dir, cmd.Env = w.dir, append(gittest.Environ(), "TMPDIR="+w.dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

func (w *workbench) took(b *testing.B) sample {
	b.Helper()
	report, err := os.ReadFile(filepath.Join(w.dir, "usage"))
	var s sample
	if err == nil {
		_, err = fmt.Sscan(string(report), &s.wall, &s.cpu, &s.rss)
	}
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// measure runs a command, which must succeed.
func (w *workbench) measure(b *testing.B, args ...string) sample {
	b.Helper()
	if out, err := w.command(args...).CombinedOutput(); err != nil {
		b.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return w.took(b)
}

// repeat calls measure as often as asked for on the command line, and often enough for a median.
func repeat(b *testing.B, measure func()) {
	b.Helper()
	n := 0
	for b.Loop() {
		measure()
		n++
	}
	for ; n < samples; n++ {
		measure()
	}
	b.ReportMetric(0, "ns/op") // of the harness: nobody's business
}

// compare adds a row to the table, and metrics for benchstat.
func (w *workbench) compare(b *testing.B, title, metric, unit string, of func(sample) float64, kitops, git series) {
	b.Helper()
	r := row{title, unit, kitops.median(of), git.median(of)}
	w.rows = append(w.rows, r)
	b.ReportMetric(r.kitops, "kitops-"+metric+"-"+unit)
	b.ReportMetric(r.git, "git-"+metric+"-"+unit)
}

// compareAll is compare for the time, the CPU and the memory of commands.
func (w *workbench) compareAll(b *testing.B, title string, kitops, git series) {
	b.Helper()
	w.compare(b, title+", time", "time", "ms", wallMS, kitops, git)
	w.compare(b, title+", CPU", "cpu", "ms", cpuMS, kitops, git)
	w.compare(b, title+", RSS", "rss", "MB", rssMB, kitops, git)
}

func (w *workbench) print(out io.Writer) {
	fmt.Fprintf(out, "\nkitops beside the git CLI, medians of %d or more\n%s, %d cores, %s/%s, %s, %s, repositories and state in %s\n\n",
		samples, cpuModel(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), gitVersion(), filepath.Dir(w.dir))
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "kitops\tgit\tkitops/git\t\t")
	for _, r := range w.rows {
		fmt.Fprintf(table, "%.2f %s\t%.2f %s\t%.2f\t\t%s\n", r.kitops, r.unit, r.git, r.unit, r.kitops/r.git, r.title)
	}
	_ = table.Flush()
	fmt.Fprintln(out)
}

func cpuModel() string {
	info, _ := os.ReadFile("/proc/cpuinfo") // elsewhere the architecture must do
	_, after, _ := strings.Cut(string(info), "model name")
	line, _, _ := strings.Cut(after, "\n")
	return cmp.Or(strings.TrimLeft(line, "\t :"), "unknown CPU")
}

func gitVersion() string {
	out, _ := exec.Command("git", "version").Output()
	return string(bytes.TrimSpace(out))
}
