//go:build unix

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// beRunner behaves as GitHub's runner: it takes its configuration, waits for one job, works on it, and cancels it on SIGINT.
// A job says what to do in words: dirty (writes into its runner's program), home (nobody has had its home and temporary
// directory before), nice (has to be so by 5), diag (logs to _diag, with its configuration), fork (leaves a process), deaf
// (takes no notice of SIGINT), crash, once-NAME (crash at the first try), until-NAME (until there is such a mark), and how
// long it takes.
func beRunner(hub string) int {
	config := os.Getenv("ACTIONS_RUNNER_INPUT_JITCONFIG")
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	fmt.Println("√ Connected to GitHub")
	waiting, cancel := context.WithCancel(context.Background())
	go func() {
		interrupts <- <-interrupts
		cancel()
	}()
	resp, err := speak(waiting, hub+"next", "", strings.NewReader(config))
	if err != nil {
		return 1
	}
	defer func() { _ = resp.Body.Close() }()
	var job struct{ Take string }
	if resp.StatusCode != http.StatusOK || json.NewDecoder(resp.Body).Decode(&job) != nil {
		fmt.Println("Runner version is deprecated and cannot receive messages.")
		return 7
	}
	reader, writer := io.Pipe()
	sent := make(chan error, 1)
	go func() {
		resp, err := speak(context.Background(), hub+"work", config, reader)
		if err == nil {
			_ = resp.Body.Close()
		}
		sent <- err
	}()
	result := perform(job.Take, interrupts)
	_, _ = writer.Write([]byte(result))
	_ = writer.Close()
	if <-sent != nil {
		return 1
	}
	return 0
}

func perform(take string, interrupts <-chan os.Signal) (result string) {
	result = "succeeded"
	for word := range strings.FieldsSeq(take) {
		if strings.HasPrefix(word, "once-") {
			if os.Mkdir(filepath.Join(os.Getenv("TEST_MARKS"), word), 0o700) == nil {
				_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			}
			continue
		}
		if mark, is := strings.CutPrefix(word, "until-"); is {
			if !awaitMark(mark, interrupts) {
				return "canceled"
			}
			continue
		}
		switch word {
		case "dirty":
			if text, err := os.ReadFile("bin/tool"); err != nil || string(text) != "clean\n" {
				fmt.Printf("the tool is %q, %v\n", text, err)
				result = "failed"
			}
			_ = os.WriteFile("bin/tool", []byte("dirty\n"), 0o755)
		case "home":
			for _, name := range []string{"HOME", "TMPDIR"} {
				if err := os.Mkdir(filepath.Join(os.Getenv(name), "had"), 0o700); err != nil {
					fmt.Println(name, err)
					result = "failed"
				}
			}
		case "nice":
			if out, err := exec.Command("nice").Output(); string(out) != "5\n" {
				fmt.Printf("it is nice by %q, %v\n", out, err)
				result = "failed"
			}
		case "diag":
			if err := os.Mkdir("_diag", 0o755); err != nil {
				fmt.Println(err)
				result = "failed"
			}
			_ = os.WriteFile("_diag/Runner.log", []byte("it went wrong with "+os.Getenv("ACTIONS_RUNNER_INPUT_JITCONFIG")+"\n"), 0o644)
		case "fork":
			child := exec.Command("sleep", "1000")
			child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
			if child.Start() == nil {
				fmt.Println("child", child.Process.Pid)
			}
		case "deaf":
			interrupts = nil
		case "crash":
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		default:
			took, err := time.ParseDuration(word)
			if err != nil {
				return "failed"
			}
			select {
			case <-time.After(took):
			case <-interrupts:
				return "canceled"
			}
		}
	}
	return result
}

func awaitMark(name string, interrupts <-chan os.Signal) bool {
	for {
		if _, err := os.Stat(filepath.Join(os.Getenv("TEST_MARKS"), name)); err == nil {
			return true
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-interrupts:
			return false
		}
	}
}

func speak(ctx context.Context, address, token string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	return http.DefaultClient.Do(req)
}
