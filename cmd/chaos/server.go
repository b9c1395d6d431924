//go:build linux

package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
)

// The credentials of the servers.
const (
	keyID  = "kitops"
	secret = "a2l0b3Bz" // in base64, as Azure wants it
)

// server is the store.
type server struct {
	cmd     *exec.Cmd
	address string
}

// startServer returns when the server takes connections and has a bucket or container.
func startServer(ctx context.Context, p plan, dir string) (*server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // only to find a free port
	if err != nil {
		return nil, err
	}
	s := &server{address: listener.Addr().String()}
	_ = listener.Close()
	host, port, _ := net.SplitHostPort(s.address)
	if p.store == "s3" {
		if err := os.MkdirAll(filepath.Join(dir, "buckets", "bucket"), 0o700); err != nil {
			return nil, err
		}
		s.cmd = exec.Command(p.server, "--port", s.address, "posix", filepath.Join(dir, "buckets")) //nolint:noctx // it is killed by close
		s.cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+keyID, "ROOT_SECRET_KEY="+secret)
	} else {
		s.cmd = exec.Command("node", p.server, "--blobHost", host, "--blobPort", port, "--inMemoryPersistence", "--skipApiVersionCheck", "--silent") //nolint:noctx // as above
		s.cmd.Env = append(os.Environ(), "AZURITE_ACCOUNTS="+keyID+":"+secret)
	}
	log, err := os.Create(filepath.Join(dir, "store.log"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	if err := s.await(ctx); err != nil {
		s.close()
		return nil, err
	}
	if p.store == "azblob" {
		if err := s.makeContainer(ctx); err != nil {
			s.close()
			return nil, err
		}
	}
	return s, nil
}

func (s *server) await(ctx context.Context) error {
	const patience, pause = time.Minute, 50 * time.Millisecond
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.address)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the store does not listen: %w", err)
		case <-time.After(pause):
		}
	}
}

func (s *server) makeContainer(ctx context.Context) error {
	key, err := container.NewSharedKeyCredential(keyID, secret)
	if err != nil {
		return err
	}
	client, err := container.NewClientWithSharedKeyCredential("http://"+s.address+"/"+keyID+"/container", key, nil)
	if err != nil {
		return err
	}
	_, err = client.Create(ctx, nil)
	return err
}

func (s *server) close() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// url is what --state says to a member that reaches the store at an address.
func (p plan) url(address string) string {
	if p.store == "s3" {
		return "s3://bucket/chaos?region=us-east-1&endpoint=http://" + address
	}
	return "azblob://" + keyID + "/container/chaos?endpoint=http://" + address
}

// credentials are the variables with the keys to the store.
func (p plan) credentials() []string {
	if p.store == "s3" {
		return []string{"AWS_ACCESS_KEY_ID=" + keyID, "AWS_SECRET_ACCESS_KEY=" + secret}
	}
	return []string{"AZURE_STORAGE_KEY=" + secret}
}
