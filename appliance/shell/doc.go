// Package shell is the administrator's command line: the grammar and output
// forms of the replaced product, and a few verbs of its own, over any
// io.ReadWriter. It knows the tables (xapi) and the configuration store; what
// commands do and what status reads it asks of a Backend, which appliance
// implements. sshd, the console and the story engine of the tests call it.
//
// A line goes this way:
//
//	text ── lex ──► words ── first word ──► configuration.go  xConfiguration
//	                                        command.go        xCommand
//	                                        status.go         xStatus, xHistory
//	                                        feedback.go       xFeedback
//	                                        xml.go            xgetxml
//	                                        verbs.go          diff, rollback, why …
//	                                           │
//	                  print.go, help.go ◄──────┘  every byte of output
//
// Session.Exec runs one line; terminal.go adds the line editor around it, and
// complete.go the completion.
package shell
