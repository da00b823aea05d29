"""Statistics for the comparison of two arms: numbers in, numbers out; nothing here knows a model or a file.

Two arms are called *first* and *second*, and a difference is always **second − first**: first is what second is
compared with. `confidence` is that of an interval (0.95), `level` that of a test (0.05).

Two questions are never mixed:

- *This artifact*: one model against another on one test set. `proportions` for right and wrong answers (mid-p McNemar,
  Tango's interval), `bootstrap.artifact_difference` where samples come in groups, for regression and for AUC.
- *This method*: would it happen again with other seeds and other samples? `bootstrap.method_difference`, with at least
  five seeds.

`bootstrap` compares means (of right answers), MAE and RMSE, `auc` areas under the curve; `topk` decides which answers
count as right. Then, for either question: `multiple.holm` over the declared contrasts, `equivalence.conclude` for what
may be claimed, `power` for what this test set could have shown.
"""
