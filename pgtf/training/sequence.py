"""Tasks, one after the other: what is done is not done again."""


def learn_in_order(names, bank, learn, after):
    """Learns each task that the bank does not hold yet, appends its slice, then calls after(index).

    learn(index, name) gives the task's slice. after is called for learnt tasks too, because the process may have ended
    before it did: what it did, it must not do again.
    """
    for index, name in enumerate(names):
        if index not in bank:
            bank.append(index, learn(index, name))
        after(index)
