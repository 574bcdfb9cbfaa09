package demo

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"doorstep/internal/money"
)

const header = "handle,title,description,brand,category,tags,status,attributes," +
	"option1_name,option1_value,option2_name,option2_value,option3_name,option3_value," +
	"sku,barcode,prices,sale_prices,sale_starts_at,sale_ends_at," +
	"weight_g,length_mm,width_mm,height_mm,hs_code,origin_country,tax_class,stock,images," +
	"title_hy,description_hy,title_km,description_km"

// rows are the lines of the catalogue by column name.
func rows(t *testing.T) []map[string]string {
	t.Helper()
	if bytes.ContainsRune(Products, '\r') {
		t.Fatal("the lines do not end in LF")
	}
	all, err := csv.NewReader(bytes.NewReader(Products)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(all[0], ","); got != header {
		t.Fatalf("the header is\n%s", got)
	}
	out := make([]map[string]string, 0, len(all))
	for _, line := range all[1:] {
		row := map[string]string{}
		for i, name := range all[0] {
			row[name] = line[i]
		}
		out = append(out, row)
	}
	return out
}

// firsts are the first rows of the products, in order.
func firsts(t *testing.T) []map[string]string {
	t.Helper()
	var out []map[string]string
	last := ""
	for _, row := range rows(t) {
		if row["handle"] != last {
			out = append(out, row)
		}
		last = row["handle"]
	}
	return out
}

func TestTheShelvesAreFull(t *testing.T) {
	t.Parallel()
	variants := rows(t)
	tops, status, classes := map[string]int{}, map[string]int{}, map[string]int{}
	armenian, khmer, barcodes, sales, gone, low := 0, 0, 0, 0, 0, 0
	products := firsts(t)
	for _, p := range products {
		top, _, nested := strings.Cut(p["category"], " > ")
		if !nested {
			t.Errorf("%s: category %q has one level", p["handle"], p["category"])
		}
		tops[top]++
		status[p["status"]]++
		classes[p["tax_class"]]++
		if p["title_hy"] != "" && p["description_hy"] != "" {
			armenian++
		}
		if p["title_km"] != "" && p["description_km"] != "" {
			khmer++
		}
	}
	for _, v := range variants {
		stock := number(t, v, "stock")
		switch {
		case stock == 0:
			gone++
		case stock <= 5:
			low++
		}
		if v["barcode"] != "" {
			barcodes++
		}
		if v["sale_prices"] != "" {
			sales++
		}
	}
	t.Logf("%d products, %d variants, %d barcodes, %d sales, %d sold out, %d low, %d with Armenian, %d with Khmer, %v %v %v",
		len(products), len(variants), barcodes, sales, gone, low, armenian, khmer, tops, status, classes)
	if len(products) < 120 || len(variants) < 200 || len(tops) != 8 || armenian < 50 || khmer < 50 {
		t.Error("too little for a shop that is to be looked at")
	}
	if barcodes*10 < len(variants)*9 || sales < 10 || gone < 3 || low < 5 || status["draft"] < 2 || status["draft"]+status["active"] != len(products) {
		t.Error("barcodes, sales, stock or states are not as varied as they should be")
	}
	if len(classes) != 3 || classes["standard"] == 0 || classes["reduced"] == 0 || classes["books"] == 0 {
		t.Errorf("tax classes: %v", classes)
	}
}

func number(t *testing.T, row map[string]string, column string) int {
	t.Helper()
	n, err := strconv.Atoi(row[column])
	if err != nil || n < 0 {
		t.Errorf("%s: %s is %q", row["sku"], column, row[column])
	}
	return n
}

func TestHandlesAndSKUsAndBarcodesAreUnique(t *testing.T) {
	t.Parallel()
	handles, skus, barcodes := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, p := range firsts(t) {
		if h := p["handle"]; h == "" || handles[h] || strings.Trim(h, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			t.Errorf("handle %q is used twice or badly written", h)
		}
		handles[p["handle"]] = true
	}
	for _, v := range rows(t) {
		if v["sku"] == "" || skus[v["sku"]] {
			t.Errorf("SKU %q is used twice or absent", v["sku"])
		}
		skus[v["sku"]] = true
		code := v["barcode"]
		if code == "" {
			continue
		}
		if barcodes[code] {
			t.Errorf("barcode %s is used twice", code)
		}
		barcodes[code] = true
		if len(code) != 13 || code[0] != '2' || !checked(code) {
			t.Errorf("%s: barcode %s is no EAN-13 for use inside a shop", v["sku"], code)
		}
	}
}

// checked says whether the last digit of an EAN is right: digits at even places
// from the left count three times, and all together make a multiple of ten.
func checked(code string) bool {
	sum := 0
	for i, digit := range code {
		weight := 1
		if i%2 == 1 {
			weight = 3
		}
		sum += int(digit-'0') * weight
	}
	return sum%10 == 0
}

// amounts reads "EUR 12.50|USD 13.90" strictly.
func amounts(t *testing.T, sku, text string) map[string]int64 {
	t.Helper()
	out := map[string]int64{}
	for part := range strings.SplitSeq(text, "|") {
		currency, decimal, _ := strings.Cut(part, " ")
		minor, err := money.Parse(decimal, currency)
		if err != nil || minor <= 0 || money.Decimal(minor, currency) != decimal || out[currency] != 0 {
			t.Errorf("%s: price %q: %v", sku, part, err)
		}
		out[currency] = minor
	}
	return out
}

func TestEveryVariantHasAPriceInEveryCurrency(t *testing.T) {
	t.Parallel()
	for _, v := range rows(t) {
		regular := amounts(t, v["sku"], v["prices"])
		for _, c := range []string{"EUR", "USD", "AMD", "KHR", "GBP"} {
			if regular[c] == 0 {
				t.Errorf("%s: no price in %s", v["sku"], c)
			}
		}
		if regular["AMD"]%100_00 != 0 || regular["KHR"]%500_00 != 0 {
			t.Errorf("%s: %s has prices nobody could pay in cash", v["sku"], v["prices"])
		}
		if v["sale_prices"] == "" {
			if v["sale_starts_at"]+v["sale_ends_at"] != "" {
				t.Errorf("%s: sale without a price", v["sku"])
			}
			continue
		}
		sale := amounts(t, v["sku"], v["sale_prices"])
		for c, full := range regular {
			if sale[c] == 0 || sale[c] >= full {
				t.Errorf("%s: %s on sale costs %d instead of %d", v["sku"], c, sale[c], full)
			}
		}
		from, err := time.Parse(time.RFC3339, v["sale_starts_at"])
		to, err2 := time.Parse(time.RFC3339, v["sale_ends_at"])
		if err != nil || err2 != nil || !from.Before(to) {
			t.Errorf("%s: sale from %s to %s", v["sku"], v["sale_starts_at"], v["sale_ends_at"])
		}
	}
}

func TestEveryRowIsComplete(t *testing.T) {
	t.Parallel()
	first := map[string]map[string]string{}
	choices := map[string]bool{}
	for _, v := range rows(t) {
		p, seen := first[v["handle"]]
		if !seen {
			p = v
			first[v["handle"]] = v
		}
		ofProduct := []string{"title", "description", "brand", "category", "tags", "status", "attributes", "tax_class", "images"}
		for _, column := range ofProduct {
			if seen != (v[column] == "") {
				t.Errorf("%s: %s belongs on the first row, and there only", v["sku"], column)
			}
		}
		choice := v["handle"]
		for _, n := range []string{"1", "2", "3"} {
			if (p["option"+n+"_name"] == "") != (v["option"+n+"_value"] == "") {
				t.Errorf("%s: option %s has only a name or only a value", v["sku"], n)
			}
			choice += "|" + v["option"+n+"_value"]
		}
		if choices[choice] {
			t.Errorf("%s: %s is there twice", v["sku"], choice)
		}
		choices[choice] = true
		for _, column := range []string{"weight_g", "length_mm", "width_mm", "height_mm"} {
			if number(t, v, column) == 0 {
				t.Errorf("%s: no %s", v["sku"], column)
			}
		}
		if len(v["hs_code"]) != 6 || strings.Trim(v["hs_code"], "0123456789") != "" || len(v["origin_country"]) != 2 {
			t.Errorf("%s: customs see %q from %q", v["sku"], v["hs_code"], v["origin_country"])
		}
		number(t, v, "stock")
	}
	for handle, p := range first {
		if p["images"] != "/demo/images/"+handle+".svg" {
			t.Errorf("%s: picture %q", handle, p["images"])
		}
		for pair := range strings.SplitSeq(p["attributes"], "|") {
			if name, value, ok := strings.Cut(pair, "="); !ok || name == "" || value == "" {
				t.Errorf("%s: attribute %q", handle, pair)
			}
		}
	}
}

// TestTextsAreInTheScriptOfTheirLanguage lets single words of another script
// pass (a brand, a size in cm), but not letters of a look-alike inside a word.
func TestTextsAreInTheScriptOfTheirLanguage(t *testing.T) {
	t.Parallel()
	scripts := map[string]*unicode.RangeTable{"hy": unicode.Armenian, "km": unicode.Khmer}
	for _, p := range firsts(t) {
		for lang, script := range scripts {
			if (p["title_"+lang] == "") != (p["description_"+lang] == "") {
				t.Errorf("%s: %s has only a title or only a description", p["handle"], lang)
			}
			for _, column := range []string{"title_", "description_"} {
				text := p[column+lang]
				own, other := 0, 0
				for _, r := range text {
					switch {
					case unicode.Is(script, r):
						own++
					case unicode.IsLetter(r):
						other++
					}
				}
				if text != "" && (own < 4 || other*20 > own) {
					t.Errorf("%s: %s%s has %d letters of its script and %d others", p["handle"], column, lang, own, other)
				}
				for _, word := range strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) }) {
					letters := []rune(word)
					if slices.ContainsFunc(letters, func(r rune) bool { return unicode.Is(script, r) }) &&
						slices.ContainsFunc(letters, func(r rune) bool { return unicode.IsLetter(r) && !unicode.Is(script, r) }) {
						t.Errorf("%s: %q mixes scripts", p["handle"], word)
					}
				}
			}
		}
		for _, column := range []string{"title", "description"} {
			for _, r := range p[column] {
				if unicode.IsLetter(r) && !unicode.Is(unicode.Latin, r) {
					t.Errorf("%s: %q in the English %s", p["handle"], r, column)
				}
			}
		}
	}
}
