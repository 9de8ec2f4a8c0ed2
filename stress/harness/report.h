/* harness/report.h - the faces of a finished run: for people, for programs, for build servers. */
#ifndef CKF_STRESS_REPORT_H
#define CKF_STRESS_REPORT_H

#include <stdio.h>

#include "harness/exploration.h"
#include "harness/plan.h"
#include "harness/verdict.h"

struct ckf_stress_report {
    const struct ckf_stress_catalog *catalog;
    const struct ckf_stress_settings *settings;
    const struct ckf_stress_outcome_of_run *outcome;
    const struct ckf_stress_exploration *exploration;
};

/* The verdict of a variant; false if it did not run. */
bool ckf_stress_report_verdict(const struct ckf_stress_report *report, size_t case_index,
                               int variant, struct ckf_stress_verdict *verdict);
/* How many variants came out how in the explore engine alone. */
struct ckf_stress_explored_summary {
    size_t reproduced, not_reproduced, clean, failed, no_verdict;
};
void ckf_stress_summarize_explored(const struct ckf_stress_report *report,
                                   struct ckf_stress_explored_summary *summary);
void ckf_stress_summarize(const struct ckf_stress_report *report,
                          struct ckf_stress_summary *summary);

/* Each returns false if something could not be written. */
bool ckf_stress_report_text(const struct ckf_stress_report *report, FILE *out);
bool ckf_stress_report_json(const struct ckf_stress_report *report, FILE *out);
bool ckf_stress_report_junit(const struct ckf_stress_report *report, FILE *out);

/* The cases themselves, as `list` shows them. */
bool ckf_stress_list_text(const struct ckf_stress_catalog *catalog, FILE *out);
bool ckf_stress_list_json(const struct ckf_stress_catalog *catalog, FILE *out);

#endif
