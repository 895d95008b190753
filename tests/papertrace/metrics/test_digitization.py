from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitize.records.layouts import LEAD_NAMES, find_layout
from papertrace.metrics.digitization import (
    LEAST_POWER,
    MAX_OFFSET,
    MAX_SHIFT,
    aligned_snr,
    clock_error,
    coverage,
    einthoven_residual,
    in_phase_snr,
    pooled_snr,
    score_page,
    strict_snr,
)

FS = 500


def recording(n: int = 5000, seed: int = 0) -> np.ndarray:
    """Twelve leads that obey Einthoven: smoothed noise, so that no shift but the right one fits; (12, n) mV."""
    noise = np.random.default_rng(seed).normal(size=(8, n + 19))
    i, iii, *chest = np.stack([np.convolve(row, np.hanning(20) / 3, "valid") for row in noise])
    return np.stack([i, i + iii, iii, -i - iii / 2, (i - iii) / 2, i / 2 + iii, *chest])


def cut(signal: np.ndarray, layout: str = "3x4+II") -> np.ndarray:
    """Keep what a page of 10 s shows."""
    page = np.full_like(signal, np.nan)
    width = signal.shape[1] // find_layout(layout).columns
    for row in find_layout(layout).rows:
        for column, lead in enumerate(row):
            k = LEAD_NAMES.index(lead)
            page[k, column * width : (column + 1) * width] = signal[k, column * width : (column + 1) * width]
    for lead in find_layout(layout).rhythm:
        page[LEAD_NAMES.index(lead)] = signal[LEAD_NAMES.index(lead)]
    return page


def noise_of(truth: np.ndarray, decibels: float, seed: int = 1) -> np.ndarray:
    """Noise without mean whose power on the truth's samples is exactly so many dB below the truth's."""
    noise = np.where(np.isfinite(truth), np.random.default_rng(seed).normal(size=truth.shape), np.nan)
    noise -= np.nanmean(noise, axis=1, keepdims=True)
    power = np.nanmean(truth**2, axis=1, keepdims=True) / 10 ** (decibels / 10)
    return noise * np.sqrt(power / np.nanmean(noise**2, axis=1, keepdims=True))


@pytest.mark.parametrize("decibels", [0.0, 6.0, 20.0, 32.0])
@pytest.mark.parametrize("page", [recording(), cut(recording())], ids=["whole", "3x4+II"])
def test_known_ratios(page, decibels):
    estimate = page + noise_of(page, decibels)
    np.testing.assert_allclose(strict_snr(page, estimate), decibels, atol=1e-9)
    np.testing.assert_allclose(aligned_snr(page, estimate, FS), decibels, atol=1e-9)


def test_negative_ratios_stay_negative():
    truth = recording()
    np.testing.assert_allclose(strict_snr(truth, truth + noise_of(truth, -7.0)), -7.0)
    assert (aligned_snr(truth, 5 * noise_of(truth, 0.0), FS) < -10).all()


@pytest.mark.parametrize("shift", [-250, -249, -40, -1, 1, 40, 250])
def test_aligned_undoes_shift_and_offset_and_strict_does_not(shift):
    whole = recording(6000)
    truth = whole[:, 500:5500]
    estimate = whole[:, 500 - shift : 5500 - shift] + noise_of(truth, 20.0) + np.linspace(-1, 1, 12)[:, None]
    lost = abs(shift) / 5000
    aligned = aligned_snr(truth, estimate, FS)
    np.testing.assert_allclose(aligned, 20 * (1 - lost), atol=0.5)
    assert (strict_snr(truth, estimate) < aligned - 5).all()


def test_both_directions_keep_every_sample_of_a_strip():
    truth = np.full((12, 5000), np.nan)
    truth[:, 1000:3000] = recording(2000)
    noisy = truth + noise_of(truth, 15.0)
    for shift in (-250, -100, 100, 250):
        np.testing.assert_allclose(aligned_snr(truth, np.roll(noisy, shift, axis=1), FS), 15.0, atol=1e-9)


def test_what_is_beyond_the_limits_stays():
    truth = np.full((12, 5000), np.nan)
    truth[:, 1000:3000] = recording(2000)
    too_far = np.roll(truth, round(MAX_SHIFT * FS) + 25, axis=1)
    assert (aligned_snr(truth, too_far, FS) < 5).all()
    signal = np.sqrt(np.nanmean(truth**2, axis=1))
    left = 20 * np.log10(signal / 0.5)
    np.testing.assert_allclose(aligned_snr(truth, truth + MAX_OFFSET + 0.5, FS), left, atol=1e-6)
    np.testing.assert_allclose(aligned_snr(truth, truth - MAX_OFFSET - 0.5, FS), left, atol=1e-6)


def test_the_shift_is_the_best_one_of_all():
    """Against every shift tried by hand, where leads stand far from zero and neither signal is whole."""
    rng = np.random.default_rng(3)
    truth, estimate = recording(400) + 50, recording(460, seed=0) + 50.7
    estimate = np.roll(estimate, 9, axis=1) + 0.3 * rng.normal(size=(12, 460))
    truth[:, 30:60], estimate[:, 200:290] = np.nan, np.nan
    fs, reach = 50, 25
    for lead in range(12):
        ratios = {}
        for shift in range(-reach, reach + 1):
            i = np.arange(400)
            i = i[(i + shift >= 0) & (i + shift < 460)]
            x, y = truth[lead, i], estimate[lead, i + shift]
            both = np.isfinite(x) & np.isfinite(y)
            noise = (y - x)[both] - np.clip((y - x)[both].mean(), -1, 1)
            ratio = 10 * np.log10((x[both] ** 2).mean() / (noise**2).mean())
            ratios[shift] = ratio, ratio * both.sum() / np.isfinite(truth[lead]).sum()
        expected = max(ratios.values())[1]
        assert aligned_snr(truth, estimate, fs)[lead] == pytest.approx(expected, abs=1e-9)


def test_few_samples_do_not_choose_the_shift():
    """A fragment slid until one flat sample is left would match anything."""
    truth = np.full((12, 2000), np.nan)
    truth[:, 500:1500] = recording(1000)
    estimate = np.full((12, 2000), np.nan)
    estimate[:, 500:600] = truth[:, 500:600] + noise_of(truth[:, 500:600], 12.0)
    aligned = aligned_snr(truth, estimate, FS)
    # 12 dB or more, on a tenth of the samples or half as many.
    assert (aligned > 0.6 - 1e-9).all() and (aligned < 2.5).all()


def test_missing_leads_count_nothing():
    truth = recording()
    estimate = truth + noise_of(truth, 20.0)
    estimate[[3, 11]] = np.nan
    for ratios in (aligned_snr(truth, estimate, FS), strict_snr(truth, estimate)):
        assert (ratios[[3, 11]] == 0).all()
        assert np.delete(ratios, [3, 11]) == pytest.approx(20.0)
    score = score_page(truth, np.full((12, 0), np.nan), FS)
    assert (score.aligned_mean, score.strict_mean, score.worst, score.coverage) == (0, 0, 0, 0)


def test_leads_that_the_page_does_not_show_are_left_out():
    truth = recording()
    estimate = truth + noise_of(truth, 20.0)
    truth[6:] = np.nan
    truth[5] = 0
    score = score_page(truth, estimate, FS)
    assert np.isnan(score.aligned[5:]).all() and np.isnan(score.strict[5:]).all()
    assert score.aligned_mean == pytest.approx(20.0)
    assert np.isnan(coverage(np.full((12, 9), np.nan), estimate))
    with pytest.raises(ValueError, match="empty or flat"):
        score_page(np.zeros((12, 100)), estimate, FS)


@pytest.mark.parametrize("share", [0.25, 0.5, 0.9])
def test_ratio_scales_with_coverage(share):
    truth = recording()
    kept = truth[:, : round(5000 * share)]
    estimate = kept + noise_of(kept, 20.0)
    assert coverage(truth, estimate) == pytest.approx(share)
    np.testing.assert_allclose(strict_snr(truth, estimate), 20.0 * share, atol=1e-9)
    np.testing.assert_allclose(aligned_snr(truth, estimate, FS), 20.0 * share, atol=1e-9)
    holed = np.where(np.arange(5000) < 5000 * share, truth, np.nan)
    assert coverage(truth, holed) == pytest.approx(share)


def test_a_longer_estimate_is_no_better_and_no_worse():
    truth = recording(2000)
    estimate = truth + noise_of(truth, 18.0)
    longer = np.concatenate([estimate, recording(3000, seed=5)], axis=1)
    np.testing.assert_allclose(strict_snr(truth, longer), strict_snr(truth, estimate))
    np.testing.assert_allclose(aligned_snr(truth, longer, FS), aligned_snr(truth, estimate, FS))
    assert coverage(truth, longer) == 1


def test_a_perfect_estimate_ends_at_the_record_s_resolution():
    truth = recording()
    expected = 10 * np.log10(np.mean(truth**2, axis=1) / LEAST_POWER)
    np.testing.assert_allclose(strict_snr(truth, truth), expected)
    np.testing.assert_allclose(aligned_snr(truth, truth, FS), expected)


def test_worst_lead_sees_swapped_leads():
    truth = recording()
    estimate = truth + noise_of(truth, 25.0)
    right = score_page(truth, estimate, FS)
    assert right.worst == pytest.approx(25.0)
    estimate[[6, 8]] = estimate[[8, 6]]
    swapped = score_page(truth, estimate, FS)
    assert swapped.worst < 3 and swapped.worst_lead in ("V1", "V3")
    assert swapped.aligned_mean > 20, "the mean hardly sees it"


def test_a_swapped_pair_is_not_right():
    truth = recording()
    swapped = score_page(truth, truth[[0, 1, 2, 5, 4, 3, *range(6, 12)]] + 1e-4, FS)
    assert swapped.misnamed == ("aVR", "aVF") and not swapped.right
    same = score_page(truth, truth, FS)
    assert same.pooled > 60 and same.misnamed == () and same.right


def test_a_lead_that_is_missing_is_not_right():
    truth = recording()
    lacking = truth.copy()
    lacking[4] = np.nan
    assert not score_page(truth, lacking, FS).right


def test_a_clock_that_is_late_is_measured():
    truth = recording()
    early = np.roll(truth, -15, axis=1)
    assert clock_error(truth, early, FS) == pytest.approx(-0.03)
    score = score_page(truth, early, FS)
    assert score.clock_ms == pytest.approx(-30) and not score.right
    assert pooled_snr(truth, np.roll(truth, 200, axis=1), FS) < 3  # beyond 0.2 s


def test_baseline_and_gain_are_measured_where_the_clock_is_put_right():
    truth = cut(recording())
    offsets = np.linspace(-0.05, 0.05, 12)[:, None]
    score = score_page(truth, np.roll(0.97 * truth, 3, axis=1) + offsets, FS)
    assert score.gain_percent == pytest.approx(-3, abs=0.1)
    assert score.baseline_uv == pytest.approx(28, abs=3) and score.clock_ms == pytest.approx(6)
    nothing = score_page(truth, np.full((12, 0), np.nan), FS)
    assert np.isnan([nothing.clock_ms, nothing.baseline_uv, nothing.gain_percent]).all() and not nothing.right


def test_einthoven():
    signal = recording()
    assert einthoven_residual(signal) < 1e-20
    assert einthoven_residual(cut(signal, "6x2+II")) < 1e-20
    for a, b in ((0, 1), (1, 2), (3, 5), (0, 8), (4, 3)):
        swapped = signal.copy()
        swapped[[a, b]] = swapped[[b, a]]
        assert einthoven_residual(swapped) > 0.1
    upside_down = signal.copy()
    upside_down[3] *= -1
    assert einthoven_residual(upside_down) > 0.1
    noise = np.random.default_rng(0).normal(size=(12, 20000))
    assert einthoven_residual(noise) == pytest.approx(1.0, abs=0.05)


def test_einthoven_looks_only_where_leads_are_shown_together():
    page = cut(recording())
    assert einthoven_residual(page) < 1e-20
    changed = page.copy()
    changed[1, 1250:] += 5  # II goes on where I and III have ended
    assert einthoven_residual(changed) < 1e-20
    changed[1, 1249] += 5
    assert einthoven_residual(changed) > 1e-4
    page[0] = np.nan
    assert np.isnan(einthoven_residual(page))


def test_wrong_shapes_are_named():
    for broken in (np.zeros((11, 100)), np.zeros(100), np.zeros((100, 12))):
        with pytest.raises(ValueError, match=r"estimate of shape \(.*allowed: \(12, n\)"):
            aligned_snr(recording(100), broken, FS)
        with pytest.raises(ValueError, match="truth of shape"):
            einthoven_residual(broken)
    with pytest.raises(ValueError, match="frequency 0"):
        aligned_snr(recording(100), recording(100), 0)


@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 400),
    m=st.integers(0, 400),
    holes=st.floats(0, 1),
    scale=st.sampled_from([0.01, 1.0, 30.0]),
)
@settings(max_examples=60, deadline=None)
def test_invariants(seed, n, m, holes, scale):
    rng = np.random.default_rng(seed)
    truth = scale * rng.normal(size=(12, n))
    estimate = scale * rng.normal(size=(12, m)) + rng.normal()
    truth[rng.random(truth.shape) < holes / 2] = np.nan
    estimate[rng.random(estimate.shape) < holes] = np.nan
    before = truth.copy(), estimate.copy()
    aligned, strict, share = aligned_snr(truth, estimate, 100), strict_snr(truth, estimate), coverage(truth, estimate)
    np.testing.assert_array_equal(truth, before[0])
    np.testing.assert_array_equal(estimate, before[1])
    count = np.isfinite(truth).sum(axis=1)
    shown = np.nansum(truth**2, axis=1) / np.maximum(count, 1) >= LEAST_POWER
    for ratios in (aligned, strict):
        assert np.isfinite(ratios[shown]).all() and np.isnan(ratios[~shown]).all()
    assert np.isnan(share) if not count.any() else 0 <= share <= 1
    assert (strict[shown & ~np.isfinite(estimate).any(axis=1)] == 0).all()
    # The same numbers when both are upside down, or when the estimate goes on into nothing.
    np.testing.assert_allclose(aligned_snr(-truth, -estimate, 100), aligned, atol=1e-6)
    padded = np.concatenate([estimate, np.full((12, 7), np.nan)], axis=1)
    np.testing.assert_allclose(aligned_snr(truth, padded, 100), aligned, atol=1e-6)
    np.testing.assert_array_equal(strict_snr(truth, padded), strict)
    residual = einthoven_residual(estimate)
    assert np.isnan(residual) or 0 <= residual <= 3 + 1e-9


@pytest.mark.parametrize("late", [0.5, 7.25, -3.625])
def test_a_clock_between_two_samples_costs_nothing_in_phase(late):
    time = np.arange(2500) / FS
    pitch = np.linspace(3, 9, 12)[:, None]

    def leads(time: np.ndarray) -> np.ndarray:
        return np.sin(2 * np.pi * pitch * time) + 0.3 * np.cos(4 * np.pi * pitch * time)

    estimate = leads(time - late / FS)
    estimate[3, 700:900] = np.nan
    found = in_phase_snr(leads(time), estimate, FS)
    assert (np.delete(found, 3) > 45).all()
    assert (found > aligned_snr(leads(time), estimate, FS) + 3).all()


def test_one_shift_is_for_all_leads():
    """Leads that disagree about the clock cannot all be in phase."""
    time = np.arange(2500) / FS
    lead = np.sin(2 * np.pi * 6 * time)
    halves = np.stack([np.sin(2 * np.pi * 6 * (time - (k % 2) * 0.5 / FS)) for k in range(12)])
    found = in_phase_snr(np.tile(lead, (12, 1)), halves, FS)
    assert found.min() < 40 < found.max()
