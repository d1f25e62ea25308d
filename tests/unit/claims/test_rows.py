"""The rows of claims, assumptions and remarks in config/ ask for what there is."""

import re

import pytest
from configurations import plain, shipped

from vaentk.claims.assumptions import assumptions
from vaentk.claims.ledger import Assumption, Claim, Remark, parse
from vaentk.claims.verdicts import VERDICTS, worded
from vaentk.config import load

FORMS = {
    r"activations/[a-z0-9-]+/agreement\.csv": (
        "width seed activations rank_correlation rank_correlation_flow rank_less_flow "
        "rank_rate_with_flow"
    ),
    r"(activations|frozen_sigma|least_width)/[a-z0-9-]+/members\.csv": (
        "variant activation samples sigma0 train_sigma width seed lambda_0 lambda_max "
        "meets_assumptions flow_distance empirical_distance rate rate_flow loss_left loss_over_zero"
    ),
    r"convolutional/[a-z0-9-]+/kernels\.csv": (
        "lambda_0 lambda_max condition lambda_0_full lambda_max_full condition_full lambda_0_over "
        "condition_over series_error"
    ),
    r"convolutional/[a-z0-9-]+/members\.csv": (
        "width seed gradients horizon margin margin_time crossing flow_distance "
        "flow_distance_time empirical_distance empirical_distance_time rate rate_flow "
        "rate_over_claimed rate_over_tight rate_over_flow loss_final bound_final loss_over_bound "
        "loss_over_zero row_mu row_sigma row_d norm norm_over"
    ),
    r"convolutional/[a-z0-9-]+/slopes\.csv": (
        "quantity claimed slope low high points freedom width_min width_max local limit limit_low "
        "limit_high limit_other exponent exponent_low exponent_high exponent_by"
    ),
    r"deep_vae/[a-z0-9-]+/ends\.csv": (
        "sweep value epoch negative_elbo negative_elbo_low negative_elbo_high "
        "held_out_negative_elbo held_out_negative_elbo_low held_out_negative_elbo_high loss "
        "loss_low loss_high negative_bound negative_bound_low negative_bound_high kl kl_low "
        "kl_high batch_slope seeds comparable authors authors_slope why_not"
    ),
    r"deep_vae/[a-z0-9-]+/slopes\.csv": (
        "sweep value variant quantity slope low high points freedom step_min step_max "
        "past_transient data epochs reduced"
    ),
    r"deep_vae/[a-z0-9-]+/trends\.csv": (
        "sweep quantity threshold effect low high statistic p_value levels seeds claimed said "
        "data epochs reduced"
    ),
    r"discovery/[a-z0-9-]+/groups\.csv": (
        "quantity group attributes seeds narrow wide difference difference_low difference_high "
        "freedom placebo excess excess_low excess_high probed images official reduced"
    ),
    r"discovery/[a-z0-9-]+/summary\.csv": (
        "latent seed reconstruction kl active_units inactive_units"
    ),
    r"disentanglement/[a-z0-9-]+/trends\.csv": (
        "beta quantity effect low high level level_low level_high statistic p_value points "
        "freedom reduced"
    ),
    r"elbo/[a-z0-9-]+/members\.csv": (
        "objective width seed time gradients variance_start start_over_floor mean_error_start "
        "variance_final mean_error_final variance_change half_time latent_time "
        "reconstruction_final over_zero latent_std margin margin_time mean_margin rate"
    ),
    r"elbo/[a-z0-9-]+/slopes\.csv": (
        "objective quantity predicted slope low high points freedom width_min width_max local "
        "limit limit_low limit_high limit_other exponent exponent_low exponent_high exponent_by"
    ),
    r"frozen_sigma/[a-z0-9-]+/difference\.csv": "width seed difference distance ratio",
    r"generalisation/[a-z0-9-]+/kernels\.csv": (
        "samples time kernel_error kernel_training_error linear_error over_linear lambda_0 "
        "lambda_max unsure"
    ),
    r"generalisation/[a-z0-9-]+/members\.csv": (
        "samples width seed time gradients error training_error over_training distance "
        "kernel_error over_kernel"
    ),
    r"generalisation/[a-z0-9-]+/slopes\.csv": (
        "at quantity width slope low high points freedom kernel less_kernel less_kernel_low "
        "less_kernel_high"
    ),
    r"generalisation/[a-z0-9-]+/width_slopes\.csv": (
        "samples time last slope low high points freedom width_min width_max local limit "
        "limit_low limit_high limit_other exponent exponent_low exponent_high exponent_by claimed"
    ),
    r"gradient_noise/[a-z0-9-]+/exponents\.csv": (
        "state estimator images part along at slope low high points freedom claimed missing "
        "largest effective effective_low effective_high"
    ),
    r"lipschitz/[a-z0-9-]+/plateaus\.csv": "activation plateau plateau_low plateau_high",
    r"lipschitz/[a-z0-9-]+/powers\.csv": "activation slope low high points freedom",
    r"other_models/[a-z0-9-]+/growth\.csv": (
        "comparison of ratio ratio_low ratio_high freedom power points"
    ),
    r"other_models/[a-z0-9-]+/slopes\.csv": (
        "model quantity kind slope low high points freedom step_min step_max diverged "
        "diverged_low diverged_high"
    ),
    r"importance_weights/[a-z0-9-]+/exponents\.csv": (
        "widening estimator alpha part at slope low high points freedom claimed largest effective "
        "effective_low effective_high"
    ),
    r"kl_ridge/[a-z0-9-]+/errors\.csv": (
        "width seed beta sigma images reading error late_change loss_over_zero"
    ),
    r"kl_ridge/[a-z0-9-]+/slopes\.csv": (
        "sigma images beta reading slope low high points freedom width_min width_max local limit "
        "limit_low limit_high limit_other exponent exponent_low exponent_high exponent_by claimed"
    ),
    r"kl_ridge/[a-z0-9-]+/summary\.csv": (
        "sigma images beta width reading error error_low error_high late_change nearest"
    ),
    r"least_width/[a-z0-9-]+/least_width\.csv": (
        "samples outputs sigma0 lambda_0 least_width least_width_low least_width_high extrapolated "
        "distance_widest width_printed over_printed over_printed_low over_printed_high freedom"
    ),
    r"least_width/[a-z0-9-]+/slopes\.csv": (
        "power held together claimed slope low high points freedom inflation inside"
    ),
    r"limit_kernels/[a-z0-9-]+/eigenvalues\.csv": (
        "activation sigma0 lambda_0 lambda_max lambda_0_mu lambda_0_sigma lambda_0_d series_error "
        "meets_assumptions"
    ),
    r"limit_kernels/[a-z0-9-]+/variance\.csv": (
        "inputs sigma0 eq2_mean eq2_least negative_share eq3"
    ),
    r"linear_rate/[a-z0-9-]+/members\.csv": (
        "width seed gradients horizon margin margin_time crossing residual_margin flow_distance "
        "flow_distance_time empirical_distance empirical_distance_time rate rate_flow "
        "rate_over_claimed rate_over_tight rate_over_flow loss_final bound_final loss_over_bound "
        "loss_over_zero lemma4_bound row_mu row_sigma row_d over_bound_mu over_bound_sigma "
        "over_bound_d row_over_radius"
    ),
    r"linear_rate/[a-z0-9-]+/slopes\.csv": (
        "quantity claimed slope low high points freedom width_min width_max local limit limit_low "
        "limit_high limit_other exponent exponent_low exponent_high exponent_by"
    ),
    r"linear_rate/[a-z0-9-]+/summary\.csv": (
        "width lambda_0 gradients horizon margin margin_time crossing flow_distance "
        "flow_distance_low flow_distance_high flow_distance_time empirical_distance "
        "empirical_distance_low empirical_distance_high empirical_distance_time rate rate_low "
        "rate_high rate_flow rate_claimed rate_tight loss_final bound_final width_printed "
        "width_derived"
    ),
    r"linear_vae/[a-z0-9-]+/beta_pairs\.csv": (
        "optimiser quantity smaller beta ratio ratio_low ratio_high"
    ),
    r"linear_vae/[a-z0-9-]+/beta_trends\.csv": "optimiser quantity slope low high points freedom",
    r"linear_vae/[a-z0-9-]+/code_pairs\.csv": (
        "optimiser quantity smaller samples ratio ratio_low ratio_high"
    ),
    r"linear_vae/[a-z0-9-]+/constants\.csv": (
        "optimiser variant role estimator power beta batch samples scale step gap curvature noise "
        "measured bound looseness norm norm_over looseness_low looseness_high"
    ),
    r"linear_vae/[a-z0-9-]+/noise\.csv": (
        "place estimator batch samples variance low high runs over_pathwise over_pathwise_low "
        "over_pathwise_high"
    ),
    r"linear_vae/[a-z0-9-]+/noise_slopes\.csv": (
        "place estimator factor claimed slope low high points freedom share"
    ),
    r"linear_vae/[a-z0-9-]+/slopes\.csv": (
        "optimiser variant role estimator power beta batch samples quantity claimed slope low "
        "high points freedom drift drift_low drift_high step_min step_max"
    ),
    r"linear_vae/[a-z0-9-]+/smoothness\.csv": (
        "radius beta points curvature curvature_low curvature_high rising rising_low rising_high "
        "units regime"
    ),
    r"ridge/[a-z0-9-]+/displacements\.csv": (
        "beta width change_mu change_mu_low change_mu_high change_over_smaller "
        "change_over_smaller_low change_over_smaller_high kl_ratio kl_ratio_low kl_ratio_high "
        "condition participation directions"
    ),
    r"ridge/[a-z0-9-]+/error_term\.csv": (
        "initial width seed beta initial_worst error_worst kernel_norm bound over_bound test_norm"
    ),
    r"ridge/[a-z0-9-]+/errors\.csv": (
        "width seed beta initial reading ridge with_initial error error_worst initial_worst "
        "loss_over_zero change_mu kl_ratio over_without"
    ),
    r"ridge/[a-z0-9-]+/growth\.csv": (
        "initial beta slope low high points freedom width_min width_max local limit limit_low "
        "limit_high limit_other exponent exponent_low exponent_high exponent_by crossing "
        "crossing_low crossing_high crossing_by"
    ),
    r"ridge/[a-z0-9-]+/printed_path\.csv": (
        "width seed beta limits_apart to_path to_eq18 to_derived"
    ),
    r"ridge/[a-z0-9-]+/slopes\.csv": (
        "quantity initial with_initial beta reading slope low high points freedom width_min "
        "width_max local limit limit_low limit_high limit_other exponent exponent_low "
        "exponent_high exponent_by claimed"
    ),
    r"ridge/[a-z0-9-]+/summary\.csv": (
        "initial with_initial beta width reading error error_low error_high error_without "
        "over_without nearest"
    ),
    r"sampled_noise/[a-z0-9-]+/members\.csv": (
        "width seed per_rate per_variance over_limit over_predicted mean_over_predicted limit "
        "mean_limit step_share margin flow_margin"
    ),
    r"sampled_noise/[a-z0-9-]+/rates\.csv": (
        "width quantity slope low high points freedom step_share over_limit over_limit_low "
        "over_limit_high over_predicted over_predicted_low over_predicted_high margin flow_margin"
    ),
    r"sampled_noise/[a-z0-9-]+/slopes\.csv": (
        "quantity predicted slope low high points freedom width_min width_max local limit "
        "limit_low limit_high limit_other exponent exponent_low exponent_high exponent_by"
    ),
    r"sensitivity/[a-z0-9-]+/slopes\.csv": (
        "variant layer claimed slope low high points freedom base difference difference_low "
        "difference_high from_claim from_claim_low from_claim_high narrow_over_base "
        "narrow_over_base_low narrow_over_base_high narrow_change largest_change loss_left "
        "width_min width_max"
    ),
    r"tangent_kernels/[a-z0-9-]+/initial\.csv": (
        "width seed outputs lambda_min lambda_min_error lambda_max norm norm_error norm_mu "
        "norm_sigma norm_d products between_mu between_sigma between_d within_mu within_sigma "
        "within_d initial_error initial_output slope_measured slope_derived slope_printed "
        "flow_distance flow_distance_time rate rate_over_limit lambda_0 lambda_min_over norm_over "
        "wishart_norm norm_over_wishart wishart_least initial_output_limit"
    ),
    r"tangent_kernels/[a-z0-9-]+/lemma2_width\.csv": (
        "outputs lambda_0 width norm width_measured width_printed width_derived "
        "derived_over_printed norm_over_at_printed"
    ),
    r"tangent_kernels/[a-z0-9-]+/slopes\.csv": (
        "quantity claimed slope low high points freedom width_min width_max local limit limit_low "
        "limit_high limit_other exponent exponent_low exponent_high exponent_by"
    ),
    r"tangent_kernels/[a-z0-9-]+/training\.csv": (
        "width seed fraction time drift drift_equal norm lambda_min drift_share norm_over "
        "lambda_min_over loss_over_zero"
    ),
    r"weight_change/[a-z0-9-]+/changes\.csv": "width seed layer fraction time change",
    r"weight_change/[a-z0-9-]+/local_slopes\.csv": (
        "layer outputs width width_over_outputs slope low high points freedom"
    ),
    r"weight_change/[a-z0-9-]+/slopes\.csv": (
        "layer fraction time claimed slope low high points freedom width_min width_max local "
        "limit limit_low limit_high limit_other exponent exponent_low exponent_high exponent_by "
        "outputs width_over_outputs"
    ),
    r"weight_change/[a-z0-9-]+/stability\.csv": (
        "width limit paper_learning_rate gradients limit_steps paper_steps time "
        "reconstruction_initial reconstruction_final kl_final latent_std_max loss_over_zero "
        "fitted"
    ),
}
"""Measures and the columns that a claim or a remark relies on."""


def test_the_real_claims_cover_every_protocol() -> None:
    rows = parse(plain("claims.yaml"), Claim)
    assert len(rows) >= 45
    labels = [
        f"{letter}{number}"
        for letter, n in (("W", 6), ("S", 5), ("X", 13))
        for number in range(1, n + 1)
    ]
    assert {row.id.split("-")[0] for row in rows} == set(labels)
    order = [labels.index(row.id.split("-")[0]) for row in rows]
    assert order == sorted(order)
    experiments = shipped("paper").model_dump(mode="json")["experiments"]
    told = [worded(row, experiments) for row in rows]
    assert len({(row.where, row.statement) for row in told}) == len(rows)


def test_the_real_tests_ask_for_what_measures_hold() -> None:
    for row in parse(plain("claims.yaml"), Claim):
        if row.test is None:
            continue
        columns = [form for path, form in FORMS.items() if re.fullmatch(path, row.test.measure)]
        assert len(columns) == 1, row.id
        test = row.test
        asked = {test.column, test.low, test.high, test.over, test.across, *test.every, *test.where}
        assert asked - {None, "run" if test.choices else None} <= set(columns[0].split()), row.id


def test_the_real_remarks_ask_for_what_measures_hold() -> None:
    paper = shipped("paper").experiments
    rows = parse(plain("remarks.yaml"), Remark)
    assert [row.id for row in rows] == [f"R{number}" for number in range(1, len(rows) + 1)]
    for row in rows:
        for item in row.evidence:
            path, test = item.test.measure, item.test
            columns = [form for form_path, form in FORMS.items() if re.fullmatch(form_path, path)]
            assert len(columns) == 1, (row.id, path)
            asked = {test.column, test.low, test.high, test.over, *test.where}
            assert asked - {None} <= set(columns[0].split()), (row.id, path)
            kind, run, _ = path.split("/")
            assert run in getattr(paper, kind), row.id


def test_the_runs_that_the_real_tests_name_exist() -> None:
    """A reason says that config/paper.yaml has the run: so it must."""
    paper = shipped("paper").experiments
    for row in parse(plain("claims.yaml"), Claim):
        if row.test is not None:
            kind, run, _ = row.test.measure.split("/")
            assert run in getattr(paper, kind), row.id


def test_other_choices_of_images_are_runs_that_differ_in_nothing_else_of_the_inputs() -> None:
    """The configuration that has them is theory.yaml."""
    theory = shipped("theory").experiments
    several = [row.test for row in parse(plain("claims.yaml"), Claim) if row.test]
    several = [test for test in several if test.choices]
    assert len(several) == 11
    for test in several:
        kind, run, _ = test.measure.split("/")
        runs = getattr(theory, kind)
        inputs = [runs[each].inputs for each in (run, *test.choices)]
        assert {each.but(data_seed=0) for each in inputs} == {inputs[0]}
        assert len({each.data_seed for each in inputs}) == len(inputs) >= 3


NAMED = re.compile(r"\bn = \d|\bd = \d|\b\d+ (outputs|images|MNIST|pixels)|\b\d+ n/lambda_0")
"""What only the settings of the run know."""


@pytest.mark.parametrize("name", ["config", "theory", "evening", "paper"])
def test_texts_name_settings_as_the_run_has_them(name: str) -> None:
    settings = shipped(name).model_dump(mode="json")
    for row in parse(plain("claims.yaml"), Claim):
        assert not NAMED.search(row.statement + row.where), row.id
        told = worded(row, settings["experiments"])
        assert "{outputs" not in told.where + told.statement


def test_a_claim_of_one_image_says_one_image() -> None:
    rows = {row.id: row for row in parse(plain("claims.yaml"), Claim)}
    inputs = {"samples": 1, "resolution": 14, "components": None}
    runs = {"limit_kernels": {"mnist-28x28": {"inputs": inputs}}}
    told = worded(rows["W1-lambda0-erf"], runs)
    assert "on 1 MNIST images" in told.statement
    assert "n = 1," in told.where
    assert "on n MNIST images" in worded(rows["W1-lambda0-erf"], {}).statement
    runs = {"tangent_kernels": {"mnist-28x28": {"inputs": inputs}}}
    assert "196 outputs" in worded(rows["W1-lemma2-norm"], runs).where


@pytest.mark.parametrize("name", ["claims.yaml", "assumptions.yaml", "remarks.yaml"])
def test_no_verdict_is_typed(name: str) -> None:
    texts = str(plain(name)).lower()
    assert not [verdict for verdict in VERDICTS if verdict in texts]


def test_the_real_assumptions_fill_from_the_default_configuration() -> None:
    rows = plain("assumptions.yaml")
    ids = [row.id for row in parse(rows, Assumption)]
    assert ids == [f"A{number}" for number in range(1, len(ids) + 1)]
    assert len(ids) >= 10
    table = assumptions(rows, load(plain("config.yaml")).model_dump(mode="json"))
    assert not table["choice"].str.contains("[{}]").any()
    assert table.set_index("id")["choice"]["A9"] == "beta of the Figure 2 runs: 0.01."
