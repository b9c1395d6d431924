package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/wneessen/go-mail"
)

// smtps is the port on which TLS comes before everything else (RFC 8314).
const smtps = 465

// mail sends a message by SMTP: with TLS where the server has it, and with a password over TLS or to this host only.
func (t Target) mail(ctx context.Context, m message) error {
	user, server, ok := strings.Cut(t.SMTP, "@")
	if !ok {
		user, server = t.From, t.SMTP
	}
	host, service, err := net.SplitHostPort(server)
	port, failed := strconv.Atoi(service)
	if err != nil || failed != nil {
		return &RefusedError{fmt.Errorf("smtp is not HOST:PORT: %q", t.SMTP)}
	}
	var conn net.Conn
	defer func() {
		if conn != nil {
			_ = conn.Close() // the client leaves it open when it is not let in
		}
	}()
	dial := func(ctx context.Context, network, address string) (_ net.Conn, err error) {
		if port == smtps {
			conn, err = (&tls.Dialer{}).DialContext(ctx, network, address)
		} else {
			conn, err = (&net.Dialer{}).DialContext(ctx, network, address)
		}
		return conn, err
	}
	options := []mail.Option{mail.WithPort(port), mail.WithTimeout(patience), mail.WithTLSPolicy(mail.TLSOpportunistic), mail.WithDialContextFunc(dial)}
	if t.Password != "" {
		password, err := read(t.Password)
		if err != nil {
			return err
		}
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(user), mail.WithPassword(password.Reveal()))
	}
	text, _, _ := strings.Cut(m.text, "\n")
	letter := mail.NewMsg(mail.WithNoDefaultUserAgent())
	err = errors.Join(letter.From(t.From), letter.To(t.Recipients...))
	if err != nil {
		return &RefusedError{err}
	}
	letter.Subject(shortened("kitops: "+text, 200, ""))
	letter.SetDate()
	letter.SetMessageIDWithValue(m.id + "@kitops")
	letter.SetGenHeader("Auto-Submitted", "auto-generated")
	letter.SetBodyString(mail.TypeTextPlain, withLink(shortened(m.text, longest, m.link), m.link)+"\n")
	client, err := mail.NewClient(host, options...)
	if err == nil {
		err = client.DialAndSendWithContext(ctx, letter)
	}
	if err == nil {
		return nil
	}
	var refused *mail.SendError
	if errors.As(err, &refused) && refused.ErrorCode() >= 500 {
		return &RefusedError{fmt.Errorf("mail by %s: %w", server, err)}
	}
	return fmt.Errorf("mail by %s: %w", server, bare(err))
}
