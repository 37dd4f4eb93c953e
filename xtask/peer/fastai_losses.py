"""What fastai's training loss is, step by step."""

from fastai.callback.core import Callback

# As in our metrics.
STEPS_PER_LINE = 20


class Losses(Callback):
    """Keeps the loss of every training step, before activation regularization."""

    def before_fit(self):
        self.steps = []

    def after_loss(self):
        if self.training:
            self.steps.append(self.learn.loss.item())

    def means(self):
        """The mean of every twenty steps, by the step that they end with."""
        ends = range(STEPS_PER_LINE, len(self.steps) + 1, STEPS_PER_LINE)
        return [{"step": end, "loss": sum(self.steps[end - STEPS_PER_LINE : end]) / STEPS_PER_LINE} for end in ends]
