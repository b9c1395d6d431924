package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// What services take of a text, in characters; ntfy counts bytes. Longer ones are refused, so they are cut.
const (
	slackLimit    = 3000 // https://docs.slack.dev/reference/block-kit/blocks/section-block
	discordLimit  = 2000 // https://docs.discord.com/developers/resources/webhook#execute-webhook
	telegramLimit = 4096 // https://core.telegram.org/bots/api#sendmessage
	ntfyLimit     = 4096 // https://docs.ntfy.sh/publish/#limitations
	teamsLimit    = 20_000
	teamsBody     = 28_000 // bytes of the whole message: https://learn.microsoft.com/microsoftteams/limits-specifications-teams
	longest       = 30_000 // of all others
)

// message is what a target is told at once.
type message struct {
	id   string // the same for a repetition
	text string
	link string // a page about it, or ""
	body []byte // for webhook: its JSON
}

// request makes of a message what a service takes.
func (t Target) request(ctx context.Context, m message) (*http.Request, error) {
	u, err := t.address()
	if err != nil {
		return nil, err
	}
	token := ""
	if t.TokenFile != "" {
		secret, err := read(t.TokenFile)
		if err != nil {
			return nil, err
		}
		token = secret.Reveal()
	}
	method, header, body := http.MethodPost, http.Header{"Content-Type": {"application/json"}}, []byte(nil)
	inJSON := func(v any) { body, err = json.Marshal(v) }
	switch t.Kind {
	case "slack":
		escaped := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(m.text)
		inJSON(map[string]any{"text": withLink(shortened(escaped, slackLimit, m.link), m.link), "unfurl_links": false})
	case "teams":
		for limit := teamsLimit; ; limit /= 2 {
			if inJSON(adaptiveCard(m, limit)); len(body) <= teamsBody || limit < 1 {
				break
			}
		}
	case "discord":
		escaped := shortened(escapeMarkdown(m.text), discordLimit, m.link)
		inJSON(map[string]any{"content": withLink(escaped, m.link), "allowed_mentions": map[string]any{"parse": []string{}}})
	case "webhook":
		body = m.body
		if err := t.sign(header, body); err != nil {
			return nil, err
		}
	case "ntfy":
		body = []byte(shortened(m.text, ntfyLimit, ""))
		header = http.Header{"Content-Type": {"text/plain; charset=utf-8"}, "Title": {"kitops"}}
		if m.link != "" {
			header.Set("Click", m.link)
		}
		if token != "" {
			header.Set("Authorization", "Bearer "+token)
		}
	case "gotify":
		u = u.JoinPath("message")
		header.Set("X-Gotify-Key", token)
		inJSON(map[string]any{"title": "kitops", "message": withLink(shortened(m.text, longest, m.link), m.link)})
	case "telegram":
		u = u.JoinPath("bot"+token, "sendMessage")
		inJSON(map[string]any{"chat_id": t.Chat, "text": withLink(shortened(unmentioned(m.text), telegramLimit, m.link), m.link), "link_preview_options": map[string]any{"is_disabled": true}})
	case "matrix":
		method = http.MethodPut
		u = u.JoinPath("_matrix/client/v3/rooms", url.PathEscape(t.Room), "send/m.room.message", m.id)
		header.Set("Authorization", "Bearer "+token)
		// With an empty m.mentions nobody is mentioned by what the text has, such as @room.
		// https://spec.matrix.org/latest/client-server-api/#user-and-room-mentions
		inJSON(map[string]any{"msgtype": "m.text", "body": withLink(shortened(m.text, longest, m.link), m.link), "m.mentions": struct{}{}})
	}
	if err != nil {
		return nil, fmt.Errorf("make a message: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("the address of %s makes no request", t) // err has the address
	}
	r.Header = header
	return r, nil
}

// sign adds the signature that GitHub's webhooks have, under another name.
func (t Target) sign(header http.Header, body []byte) error {
	if t.SecretFile == "" {
		return nil
	}
	secret, err := read(t.SecretFile)
	if err != nil {
		return err
	}
	mac := hmac.New(sha256.New, []byte(secret.Reveal()))
	mac.Write(body)
	header.Set("X-Kitops-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	return nil
}

// adaptiveCard is what a workflow of Teams posts.
// https://learn.microsoft.com/connectors/teams/#microsoft-teams-webhook
func adaptiveCard(m message, limit int) any {
	card := map[string]any{
		"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4",
		"body": []any{map[string]any{"type": "TextBlock", "wrap": true, "text": shortened(escapeMarkdown(m.text), limit, "")}},
	}
	if m.link != "" {
		card["actions"] = []any{map[string]any{"type": "Action.OpenUrl", "title": "Open the run", "url": m.link}}
	}
	return map[string]any{"type": "message", "attachments": []any{map[string]any{
		"contentType": "application/vnd.microsoft.card.adaptive", "content": card,
	}}}
}

// escapeMarkdown has a text stay as it is where Markdown is read.
func escapeMarkdown(text string) string {
	var b strings.Builder
	for _, r := range text {
		if strings.ContainsRune("\\`*_{}[]()<>#+-.!|~:@&", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// unmentioned has an @ mention nobody where services look for names in plain text: a word joiner, which is not seen, follows it.
func unmentioned(text string) string { return strings.ReplaceAll(text, "@", "@\u2060") }

func withLink(text, link string) string {
	if link == "" {
		return text
	}
	return text + "\n" + link
}

// shortened cuts a text that is too long, at a line if one ends in its second half, and leaves room for a link.
// It counts bytes, which are never less than characters.
func shortened(text string, limit int, link string) string {
	const more = "\n…"
	limit -= len(link) + 1
	if len(text) <= limit {
		return text
	}
	limit -= len(more)
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	if end := strings.LastIndexByte(text[:limit], '\n'); end > limit/2 {
		limit = end
	}
	return strings.TrimRight(text[:limit], "\\") + more
}
