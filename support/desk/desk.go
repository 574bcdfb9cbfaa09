// Package desk keeps the conversations of a shop with its customers: what was said
// by whom, who has them now, and until when an answer is due.
package desk

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"
)

// Status is who answers next.
type Status string

// The states of a conversation.
const (
	Bot     Status = "bot"     // the assistant answers
	Waiting Status = "waiting" // a person was asked for; the assistant is silent
	Open    Status = "open"    // a person has it; the assistant is silent
	Closed  Status = "closed"
)

// Author is who said something.
type Author string

// The authors. A Note is for staff alone; System tells what happened.
const (
	Customer  Author = "customer"
	Assistant Author = "bot"
	Staff     Author = "staff"
	Note      Author = "note"
	System    Author = "system"
)

// Conversation is one talk, on one channel.
type Conversation struct {
	MerchantID uuid.UUID  `gorm:"column:merchant_id"`
	ID         uuid.UUID  `gorm:"column:id"`
	Channel    string     `gorm:"column:channel"` // chat or email
	Status     Status     `gorm:"column:status"`
	Locale     string     `gorm:"column:locale"` // en, hy or km
	SecretHash []byte     `gorm:"column:secret_hash"`
	ContactID  *uuid.UUID `gorm:"column:contact_id"`
	CustomerID *uuid.UUID `gorm:"column:customer_id"`
	EmailHMAC  []byte     `gorm:"column:email_hmac"`
	// ProvedUntil is how long a code that was typed here proves who writes;
	// CodeRequest is the code on its way, see customer.Service.AskCode.
	ProvedUntil *time.Time      `gorm:"column:proved_until"`
	CodeRequest *uuid.UUID      `gorm:"column:code_request"`
	BegunBy     []byte          `gorm:"column:begun_by"`
	OrderID     *uuid.UUID      `gorm:"column:order_id"` // the one last spoken about
	Reason      string          `gorm:"column:reason"`   // why a person was asked for
	Topic       string          `gorm:"column:topic"`    // the assistant's intent
	Subject     string          `gorm:"column:subject"`
	State       json.RawMessage `gorm:"column:state"`
	Said        int             `gorm:"column:said"` // messages so far
	AssignedTo  *uuid.UUID      `gorm:"column:assigned_to"`
	AssignedAt  *time.Time      `gorm:"column:assigned_at"`
	HandedAt    *time.Time      `gorm:"column:handed_at"`
	DueAt       *time.Time      `gorm:"column:due_at"` // a person's first answer
	AnsweredAt  *time.Time      `gorm:"column:answered_at"`
	ClosedAt    *time.Time      `gorm:"column:closed_at"`
	Version     int64           `gorm:"column:version"`
	CreatedAt   time.Time       `gorm:"column:created_at"`
	UpdatedAt   time.Time       `gorm:"column:updated_at"`
}

// TableName is where conversations are kept.
func (Conversation) TableName() string { return "conversations" }

// Message is one thing said. Seq counts from 1 without gaps within a conversation.
type Message struct {
	MerchantID     uuid.UUID       `gorm:"column:merchant_id"`
	ID             uuid.UUID       `gorm:"column:id"`
	ConversationID uuid.UUID       `gorm:"column:conversation_id"`
	Seq            int             `gorm:"column:seq"`
	Author         Author          `gorm:"column:author"`
	StaffID        *uuid.UUID      `gorm:"column:staff_id"`
	Body           string          `gorm:"column:body"`
	Data           json.RawMessage `gorm:"column:data"`
	KeyHash        []byte          `gorm:"column:key_hash"` // of a call that may come twice
	CreatedAt      time.Time       `gorm:"column:created_at"`
}

// TableName is where messages are kept.
func (Message) TableName() string { return "messages" }
