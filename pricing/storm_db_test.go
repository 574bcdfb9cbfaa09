package pricing

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"doorstep/internal/killpoint/toll"
)

// thorough says that there is time for the long form of a race.
func thorough() bool { return os.Getenv("DOORSTEP_TEST_THOROUGH") != "" }

// TestSixtyFourRedeemersNeverPassALimit lets 64 buyers run at coupon after coupon,
// with limits of every kind, and each gives some of the uses back.
func TestSixtyFourRedeemersNeverPassALimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	coupons := 24
	if thorough() {
		coupons = 200
	}
	count := toll.Begin(t, "64 redeemers of codes")
	uses, limits := make([]Use, coupons), make([]int64, coupons)
	for i := range uses {
		p := percent(byte(i), 1000)
		limits[i] = int64(1 + i%7)
		p.TotalLimit = limits[i]
		uses[i] = Use{PromotionID: w.create(p).ID, Limited: true}
	}
	won := make([]atomic.Int64, coupons)
	var all sync.WaitGroup
	for buyer := range 64 {
		all.Go(func() {
			for i := range uses {
				at := (i + buyer*5) % coupons // not all at the same one, and in no common order
				count.Fault()
				switch _, err := w.redeem(fmt.Sprint("buyer", buyer), uses[at]); {
				case err == nil:
					won[at].Add(1)
				case !errors.Is(err, ErrPromotionUsedUp):
					t.Errorf("buyer %d: %v", buyer, err)
				}
			}
		})
	}
	all.Wait()
	for i := range uses {
		if n := won[i].Load(); n > limits[i] {
			count.Harm(t, toll.Doubled, "%d buyers used a promotion for %d", n, limits[i])
		} else if n < limits[i] {
			count.Harm(t, toll.Lost, "%d buyers used a promotion for %d", n, limits[i])
		}
		if n := w.count(`select count(*) from redemptions where promotion_id = $1 and status = 'active'`, uses[i].PromotionID); n != limits[i] {
			count.Harm(t, toll.Wrong, "%d uses noted of %d", n, limits[i])
		}
	}
}
