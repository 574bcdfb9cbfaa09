package checkout_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"doorstep/checkout"
	"doorstep/payment"
	"doorstep/payment/sandbox"
)

// crowded is a shop of 100 products with endless stock.
func crowded(b *testing.B) (*world, func(i int) []checkout.Item) {
	w := newWorld(b)
	for i := range 100 {
		w.product(fmt.Sprint("SKU-", i), 1_000_000_000)
	}
	return w, func(i int) []checkout.Item {
		return []checkout.Item{{SKU: fmt.Sprint("SKU-", i%100), Quantity: 1}, {SKU: fmt.Sprint("SKU-", (i*7+1)%100), Quantity: 2}}
	}
}

func BenchmarkStart(b *testing.B) {
	w, items := crowded(b)
	var n atomic.Int64
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := w.svc.Start(context.Background(), checkout.Request{Merchant: w.merchant, Locale: "en", Items: items(int(n.Add(1))), Form: form()}); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

func benchmarkComplete(b *testing.B, m payment.Method, token string) {
	w, items := crowded(b)
	open := make([]*checkout.View, b.N)
	for i := range open {
		v, err := w.svc.Start(b.Context(), checkout.Request{Merchant: w.merchant, Locale: "en", Items: items(i), Form: form()})
		if err != nil {
			b.Fatal(err)
		}
		open[i] = v
	}
	var n atomic.Int64
	b.ReportAllocs()
	b.ResetTimer()
	b.SetParallelism(4)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i := n.Add(1) - 1
			if out, err := w.pay(open[i], fmt.Sprint("k", i), m, token); err != nil || out.Order == nil {
				b.Errorf("%+v %v", out, err)
				return
			}
		}
	})
}

func BenchmarkCompleteInCash(b *testing.B) { benchmarkComplete(b, payment.CashOnDelivery, "") }
func BenchmarkCompleteByCard(b *testing.B) { benchmarkComplete(b, payment.Card, sandbox.Visa) }
