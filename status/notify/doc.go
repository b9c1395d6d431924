// Package notify tells people what becomes of runs, where they read: chats, mail, webhooks.
//
// A target hears of a change once. What it hears is text: whatever a commit,
// a branch or a task is called, it pings nobody and links nowhere. Errors name
// the service, the host and the answer, never an address or a token.
package notify
