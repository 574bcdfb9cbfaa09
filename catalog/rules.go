package catalog

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"doorstep/internal/money"
)

// Limits of a product. Lengths are in characters.
const (
	MaxTitle       = 300
	MaxDescription = 100_000
	MaxVariants    = 100
	MaxOptions     = 3
	MaxImages      = 50
	MaxTags        = 100
	MaxAttributes  = 100
	MaxCategory    = 10                // levels
	MaxName        = 100               // brand, tag, option, category level, attribute name, SKU
	MaxValue       = 1000              // attribute value
	MaxURL         = 2000              // bytes
	MaxPrice       = 1_000_000_000_000 // minor units
	MaxUnits       = 1_000_000_000     // of stock at one location
)

// problem is one broken rule. variant is the index of the variant it is about,
// or -1 for the product itself.
type problem struct {
	variant int
	field   string
	message string
}

// location is the place as a path into the product.
func (p problem) location() string {
	if p.variant < 0 {
		return p.field
	}
	return "variants[" + strconv.Itoa(p.variant) + "]." + p.field
}

// invalid turns problems into one fault; nil when there are none.
func invalid(problems []problem) error {
	if len(problems) == 0 {
		return nil
	}
	err := ErrInvalid
	for _, p := range problems[:min(len(problems), 50)] {
		err = err.At(p.location(), p.message)
	}
	return err
}

// tidy brings a product into the one form in which it is kept, so that what is
// the same to people is the same to the program.
func tidy(p *Product) {
	p.Title, p.Brand, p.TaxClass = line(p.Title), line(p.Brand), line(p.TaxClass)
	p.Description = text(p.Description)
	if p.TaxClass == "" {
		p.TaxClass = "standard"
	}
	if p.Status == "" {
		p.Status = StatusActive
	}
	if p.Slug = handle(p.Slug); p.Slug == "" {
		p.Slug = Slug(p.Title)
	}
	p.Category, p.Tags, p.Images, p.Options = lines(p.Category, false), lines(p.Tags, true), lines(p.Images, true), lines(p.Options, false)
	attributes := make(map[string]string, len(p.Attributes))
	for name, value := range p.Attributes {
		if name, value = line(name), line(value); name != "" && value != "" {
			attributes[name] = value
		}
	}
	p.Attributes = attributes
	translations := make(map[string]Translation, len(p.Translations))
	for lang, t := range p.Translations {
		if t = (Translation{Title: line(t.Title), Description: text(t.Description)}); t != (Translation{}) {
			translations[strings.ToLower(strings.TrimSpace(lang))] = t
		}
	}
	p.Translations = translations
	for i := range p.Variants {
		tidyVariant(&p.Variants[i])
	}
}

func tidyVariant(v *Variant) {
	v.SKU, v.Barcode = line(v.SKU), strings.ReplaceAll(line(v.Barcode), " ", "")
	v.OriginCountry = strings.ToUpper(line(v.OriginCountry))
	v.CustomsDescription, v.HazmatClass = line(v.CustomsDescription), line(v.HazmatClass)
	v.HSCode = hsMarks.Replace(line(v.HSCode))
	if v.Status == "" {
		v.Status = StatusActive
	}
	values := make([]string, len(v.OptionValues))
	for i, o := range v.OptionValues {
		values[i] = line(o)
	}
	v.OptionValues = values
	prices := make([]Price, len(v.Prices))
	for i, price := range v.Prices {
		price.Currency = strings.ToUpper(strings.TrimSpace(price.Currency))
		if price.Sale == nil {
			price.SaleStartsAt, price.SaleEndsAt = nil, nil
		}
		for _, at := range []**time.Time{&price.SaleStartsAt, &price.SaleEndsAt} {
			if *at != nil {
				utc := (*at).UTC().Truncate(time.Microsecond)
				*at = &utc
			}
		}
		prices[i] = price
	}
	slices.SortFunc(prices, func(a, b Price) int { return strings.Compare(a.Currency, b.Currency) })
	v.Prices = prices
}

var (
	oneLine  = strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ", "\t", " ")
	lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")
	hsMarks  = strings.NewReplacer(".", "", " ", "")
)

// line is text on one line: no outer spaces, inner breaks become spaces.
func line(s string) string {
	if strings.ContainsAny(s, "\r\n\t") {
		s = oneLine.Replace(s)
	}
	return strings.TrimSpace(s)
}

// text may have lines; they end the same way whoever wrote them.
func text(s string) string {
	return strings.TrimSpace(lineEnds.Replace(s))
}

// lines are the non-empty ones, each once when once is set.
func lines(all []string, once bool) []string {
	kept := make([]string, 0, len(all))
	for _, s := range all {
		if s = line(s); s != "" && (!once || !slices.Contains(kept, s)) {
			kept = append(kept, s)
		}
	}
	return kept
}

// check lists the rules that a tidied product breaks.
func check(p *Product) []problem {
	var c checker
	c.variant = -1
	c.length("title", p.Title, 1, MaxTitle)
	c.length("description", p.Description, 0, MaxDescription)
	c.length("brand", p.Brand, 0, MaxName)
	c.length("tax_class", p.TaxClass, 1, MaxName)
	c.must(p.Slug != "", "slug", "needs a letter or a digit")
	c.must(p.Status == StatusDraft || p.Status == StatusActive || p.Status == StatusArchived, "status", "must be draft, active or archived")
	c.list("category", p.Category, MaxCategory, MaxName)
	c.list("tags", p.Tags, MaxTags, MaxName)
	c.list("options", p.Options, MaxOptions, MaxName)
	c.must(len(p.Images) <= MaxImages, "images", fmt.Sprintf("at most %d", MaxImages))
	for _, image := range p.Images {
		c.must(isAddress(image), "images", "must be addresses that begin with https://, http:// or /")
		c.clean("images", image)
	}
	c.must(len(p.Attributes) <= MaxAttributes, "attributes", fmt.Sprintf("at most %d", MaxAttributes))
	for name, value := range p.Attributes {
		c.length("attributes", name, 1, MaxName)
		c.length("attributes", value, 1, MaxValue)
	}
	for lang, t := range p.Translations {
		c.must(isLanguage(lang), "translations", "languages are codes of two or three letters")
		c.length("translations."+lang+".title", t.Title, 0, MaxTitle)
		c.length("translations."+lang+".description", t.Description, 0, MaxDescription)
	}
	active := 0
	for i := range p.Variants {
		if p.Variants[i].Status == StatusActive {
			active++
		}
	}
	c.must(len(p.Variants) > 0, "variants", "at least one")
	c.must(active <= MaxVariants, "variants", fmt.Sprintf("at most %d", MaxVariants))
	c.variants(p)
	return c.problems
}

type checker struct {
	variant  int
	problems []problem
}

func (c *checker) must(ok bool, field, message string) {
	if !ok {
		c.problems = append(c.problems, problem{c.variant, field, message})
	}
}

// clean refuses what cannot be stored or shown: broken UTF-8, control signs.
func (c *checker) clean(field, s string) {
	c.must(utf8.ValidString(s), field, "is not valid UTF-8")
	c.must(strings.IndexFunc(s, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r == 0x7f }) < 0, field, "has a control character")
}

func (c *checker) length(field, s string, least, most int) {
	c.clean(field, s)
	n := utf8.RuneCountInString(s)
	c.must(n >= least, field, "is required")
	c.must(n <= most, field, fmt.Sprintf("at most %d characters", most))
}

func (c *checker) list(field string, all []string, most, longest int) {
	c.must(len(all) <= most, field, fmt.Sprintf("at most %d", most))
	for _, s := range all {
		c.length(field, s, 1, longest)
	}
}

func (c *checker) variants(p *Product) {
	skus := make(map[string]bool, len(p.Variants))
	choices := make(map[string]bool, len(p.Variants))
	for i := range p.Variants {
		v := &p.Variants[i]
		c.variant = i
		c.length("sku", v.SKU, 1, MaxName)
		c.must(!skus[v.SKU], "sku", "is used twice in this product")
		skus[v.SKU] = true
		c.length("barcode", v.Barcode, 0, MaxName)
		c.must(v.Status == StatusActive || v.Status == StatusArchived, "status", "must be active or archived")
		if v.Status == StatusActive {
			choice := strings.Join(v.OptionValues, "\x00")
			c.must(len(v.OptionValues) == len(p.Options), "option_values", "must be one per option of the product")
			c.must(!choices[choice], "option_values", "are the same as those of another variant")
			choices[choice] = true
			for _, value := range v.OptionValues {
				c.length("option_values", value, 1, MaxName)
			}
		}
		c.between("weight_g", v.WeightG, 1_000_000_000)
		c.between("length_mm", v.LengthMM, 1_000_000)
		c.between("width_mm", v.WidthMM, 1_000_000)
		c.between("height_mm", v.HeightMM, 1_000_000)
		c.must(v.HSCode == "" || isDigits(v.HSCode, 6, 10), "hs_code", "must be 6 to 10 digits")
		c.must(v.OriginCountry == "" || isCountry(v.OriginCountry), "origin_country", "must be a country code of two letters")
		c.length("customs_description", v.CustomsDescription, 0, 200)
		c.length("hazmat_class", v.HazmatClass, 0, 64)
		c.between("nest_mm", v.NestMM, 100_000)
		c.prices(v.Prices)
	}
}

func (c *checker) between(field string, n, most int64) {
	c.must(n >= 0 && n <= most, field, fmt.Sprintf("must be from 0 to %d", most))
}

func (c *checker) prices(prices []Price) {
	for i, p := range prices {
		c.must(money.Known(p.Currency), "prices", "the currency is not known")
		c.must(i == 0 || prices[i-1].Currency != p.Currency, "prices", "two prices in one currency")
		c.between("prices", p.Amount, MaxPrice)
		if p.Sale != nil {
			c.must(*p.Sale >= 0 && *p.Sale < p.Amount, "sale_prices", "must be below the regular price")
		}
		c.must(p.SaleStartsAt == nil || p.SaleEndsAt == nil || p.SaleStartsAt.Before(*p.SaleEndsAt), "sale_ends_at", "must be after the start")
	}
}

func isAddress(s string) bool {
	for _, prefix := range []string{"https://", "http://", "/"} {
		if strings.HasPrefix(s, prefix) && len(s) > len(prefix) && len(s) <= MaxURL && !strings.ContainsAny(s, " \n\"<>") {
			return true
		}
	}
	return false
}

func isDigits(s string, least, most int) bool {
	return len(s) >= least && len(s) <= most && strings.Trim(s, "0123456789") == ""
}

func isCountry(s string) bool { return len(s) == 2 && isLetters(s, 'A', 'Z') }

func isLanguage(s string) bool { return (len(s) == 2 || len(s) == 3) && isLetters(s, 'a', 'z') }

func isLetters(s string, from, to byte) bool {
	for i := range len(s) {
		if s[i] < from || s[i] > to {
			return false
		}
	}
	return true
}
