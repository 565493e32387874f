"""How well the embedded model learns, by recipe: the eight development concepts, scores by the
judge of notebook 14, and pairs by that of 14e.

`python nbs/benchmarks/recipe.py` fills recipe.json beside this file; what is there is kept."""
import json, time
from pathlib import Path
import torch

RESULTS = Path(__file__).resolve().parent/'recipe.json'
BEST = dict(lr_embedding=.03, keep_outside=.5)
RECIPES = { # name -> (with masks?, what differs from the base's defaults without them)
    'plain': (False, {}),
    'masked': (True, BEST)}
NEIGHBOURS = 'dog rocket mushroom car'.split()

def pairs(perf, judge, thing, shown):
    "Of pictures with a neighbour, before and after the word: is it there, and the thing itself?"
    there, itself = [], []
    for other in (o for o in NEIGHBOURS if o != thing):
        for prompt in (f'a <{thing}> next to a {other}', f'a {other} next to a <{thing}>'):
            both = judge.pairs(perf.draw(prompt, n=2, seed=2000), shown, other)
            there += both.there[:, 1].tolist()
            itself += both.itself[:, 0].tolist()
    return there, itself

def measured(pipe, thing, masked, how):
    "Means of one learned concept"
    from perfusion_nb import evaluate, judge
    from perfusion_nb.baselines import PROMPTS
    from perfusion_nb.scenes import concept_pictures
    from perfusion_nb.wiring import Perfusion
    old, new = evaluate.load_judge(), judge.load_judge()
    shown, masks = concept_pictures(thing, masks=True)
    perf, start = Perfusion(pipe), time.perf_counter()
    try:
        perf.learn(shown, f'<{thing}>', thing, masks=masks if masked else False, progress=False,
                   **how)
        seconds = time.perf_counter() - start
        drawn = perf.draw([p.format(f'<{thing}>') for p in PROMPTS], n=2, seed=1000)
        asked = [p.format(thing) for p in PROMPTS for _ in range(2)]
        there, itself = pairs(perf, new, thing, shown)
    finally:
        perf.remove()
    told = dict(prompt=old.prompt_score(drawn, asked, concept=thing), there=there, itself=itself,
                identity=old.identity_score(drawn, shown),
                box=old.identity_score(drawn, shown, box=True))
    mean = lambda values: round(float(torch.as_tensor(values).float().mean()), 3)
    return {name: mean(values) for name, values in told.items()} | dict(seconds=round(seconds))

def run():
    "All that is not there yet"
    import perfusion_nb.sample, perfusion_nb.train
    from perfusion_nb.concept import write_atomic
    from perfusion_nb.scenes import DEVELOP
    from perfusion_nb.tiny import tiny_pipeline
    done, pipe = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}, tiny_pipeline()
    for name, (masked, how) in RECIPES.items():
        for thing in DEVELOP:
            rows = done.setdefault(name, {})
            if thing not in rows:
                rows[thing] = measured(pipe, thing, masked, how)
                write_atomic(RESULTS, (json.dumps(done, indent=1) + '\n').encode())
                print(f'{name:8} {thing:10} {rows[thing]}', flush=True)

if __name__ == '__main__':
    run()
