;; The inner loop of `Stream.fillMask`, four 32-bit values at a time. `mask.wasm` beside this file is its binary form, which
;; `npx -p wabt wat2wasm mask.wat` writes; a test compares the two.
(module
  (memory (export "memory") 1)

  ;; `mix` of stream.ts, four at a time.
  (func $mix (param $x v128) (result v128)
    (local.set $x (i32x4.mul (v128.xor (local.get $x) (i32x4.shr_u (local.get $x) (i32.const 16)))
                             (i32x4.splat (i32.const 0x21f0aaad))))
    (local.set $x (i32x4.mul (v128.xor (local.get $x) (i32x4.shr_u (local.get $x) (i32.const 15)))
                             (i32x4.splat (i32.const 0x735a2d97))))
    (v128.xor (local.get $x) (i32x4.shr_u (local.get $x) (i32.const 15))))

  ;; Fills the memory from its beginning with masks: `kept` or 0, two numbers from each value of the stream.
  ;; counter  position of the first value
  ;; a, b     the stream's keys
  ;; below    a decision is for `kept` where its 16 bits are above this
  ;; kept     bits of the number that stands for yes
  ;; bytes    how many to fill, a multiple of 32
  (func (export "fill")
    (param $counter i32) (param $a i32) (param $b i32) (param $below i32) (param $kept i32) (param $bytes i32)
    (local $at i32) (local $counters v128) (local $x v128) (local $low v128)
    (local.set $counters (i32x4.add (i32x4.splat (local.get $counter)) (v128.const i32x4 0 1 2 3)))
    (loop $next
      (local.set $x (call $mix (i32x4.add
        (call $mix (v128.xor (local.get $counters) (i32x4.splat (local.get $a))))
        (i32x4.splat (local.get $b)))))
      ;; One decision from the lower half of each value, one from the upper.
      (local.set $low (v128.and (local.get $x) (i32x4.splat (i32.const 0xffff))))
      (local.set $low (v128.and (i32x4.gt_s (local.get $low) (i32x4.splat (local.get $below)))
                                (i32x4.splat (local.get $kept))))
      (local.set $x (v128.and (i32x4.gt_s (i32x4.shr_u (local.get $x) (i32.const 16)) (i32x4.splat (local.get $below)))
                              (i32x4.splat (local.get $kept))))
      (v128.store (local.get $at)
        (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $low) (local.get $x)))
      (v128.store offset=16 (local.get $at)
        (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31 (local.get $low) (local.get $x)))
      (local.set $counters (i32x4.add (local.get $counters) (i32x4.splat (i32.const 4))))
      (local.set $at (i32.add (local.get $at) (i32.const 32)))
      (br_if $next (i32.lt_u (local.get $at) (local.get $bytes))))))
