// Package page is what people see of an agent in a browser.
//
// It shows what the API of status/api answers, as HTML that works without script but for what changes by itself. Who comes
// must have logged in: by an address that kitops page prints, and then acts as the agent's own user; or with GitHub, and
// then sees the tasks of the repositories that GitHub shows him, for fifteen minutes at a time, and may give orders where
// GitHub says at that moment that he may push. What a session sees is decided in one place ([Server.caller]), and the
// API holds all lists and streams to that.
//
// What repositories and their programs wrote is shown as text: html/template escapes it, the renderer of output knows
// colours and nothing else, and a content security policy lets no script run but the page's own.
package page
