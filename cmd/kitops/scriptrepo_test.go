//go:build unix

package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/store/storetest/objects"
)

// scriptTB lets gittest work for a script.
type scriptTB struct{ *testscript.TestScript }

func (tb scriptTB) Helper()          {}
func (tb scriptTB) Cleanup(f func()) { tb.Defer(f) }

func (tb scriptTB) TempDir() string {
	dir, err := os.MkdirTemp(tb.Getenv("WORK"), "gittest-")
	tb.Check(err)
	return dir
}

func makeRepo(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 1)
	name := args[0]
	worldOf(ts).repos[name] = gittest.NewAt(scriptTB{ts}, ts.MkAbs(name+".git"), ts.MkAbs(name))
	commit(ts, false, args[:1])
}

func commit(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 1)
	w := worldOf(ts)
	repo := w.repos[args[0]]
	if repo == nil {
		ts.Fatalf("no repository %s was made", args[0])
	}
	w.commits++
	files := map[string]string{}
	for _, file := range append(args[1:], fmt.Sprintf("n=%d", w.commits)) {
		name, text, _ := strings.Cut(file, "=")
		files[name] = text + "\n"
	}
	ts.Setenv("SHA", repo.Commit(files))
}

func serveHTTP(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 0)
	var o gittest.HTTPOptions
	if len(args) == 2 {
		o.User, o.Password = args[0], args[1]
	}
	ts.Setenv("HTTP", gittest.ServeHTTP(scriptTB{ts}, ts.MkAbs("."), o))
}

// serveStore serves a bucket in memory, and has kitops share its state there.
func serveStore(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 0)
	ts.Setenv("KITOPS_STATE", "s3://bucket/team?region=eu-north-1&endpoint="+new(objects.Bucket).S3(scriptTB{ts}).URL)
	ts.Setenv("KITOPS_TEST_LEASE_TTL", "8s")
	ts.Setenv("AWS_ACCESS_KEY_ID", "AK")
	ts.Setenv("AWS_SECRET_ACCESS_KEY", "SK")
}

func serveSSH(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 0)
	server := gittest.ServeSSH(scriptTB{ts}, ts.MkAbs("."))
	ts.Setenv("SSH", strings.TrimSuffix(server.URL(""), "/"))
	ts.Setenv("SSHADDR", server.Addr)
	ts.Setenv("HOME", server.Home)
}

func serveRedirect(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 1)
	log, err := os.Create(ts.MkAbs("redirect.log"))
	ts.Check(err)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(log, "%s authorization=%q\n", r.Method, r.Header.Get("Authorization"))
		http.Redirect(w, r, args[0]+r.URL.RequestURI(), http.StatusMovedPermanently)
	}))
	ts.Defer(func() { server.Close(); log.Close() })
	ts.Setenv("REDIRECT", server.URL)
}

// serveNothing leaves connections in the backlog: the kernel accepts them.
func serveNothing(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 0)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { ts.Check(listener.Close()) })
	ts.Setenv("HANGING", "http://"+listener.Addr().String())
}

func mountTmpfs(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 1)
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o755))
	ts.Check(ts.Exec("mount", "-t", "tmpfs", "-o", "size=1m", "none", dir))
	ts.Defer(func() { ts.Check(ts.Exec("umount", "-l", dir)) })
}
