// Command sign signs the checksums of a release.
//
//	sign new FILE          makes a private key for FILE, and prints its public half
//	sign FILE.txt COMMENT  writes FILE.txt.minisig with the key in $KITOPS_SIGNING_KEY (PEM)
package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"

	"github.com/bittrance/kitops/cmd/kitops/release"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "sign:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) != 2:
		return errors.New("say either: new FILE, or: FILE COMMENT")
	case args[0] == "new":
		return makeKey(args[1])
	}
	return sign(args[0], args[1])
}

// makeKey never replaces a key.
func makeKey(path string) error {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(pem.Encode(file, &pem.Block{Type: "PRIVATE KEY", Bytes: der}), file.Close()); err != nil {
		return err
	}
	fmt.Println(release.KeyOf(private))
	return nil
}

func sign(path, comment string) error {
	block, _ := pem.Decode([]byte(os.Getenv("KITOPS_SIGNING_KEY")))
	if block == nil {
		return errors.New("KITOPS_SIGNING_KEY has no key in PEM")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return fmt.Errorf("KITOPS_SIGNING_KEY: %w", err)
	}
	private, ok := key.(ed25519.PrivateKey)
	if !ok {
		return errors.New("KITOPS_SIGNING_KEY is no key of Ed25519")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	signature, err := release.Sign(text, private, comment)
	if err == nil {
		_, err = release.Verify(text, signature, []release.Key{release.KeyOf(private)})
	}
	if err != nil {
		return err
	}
	return os.WriteFile(path+".minisig", signature, 0o644)
}
